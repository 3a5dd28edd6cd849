//! A request's head: what the generated client said, and what the channel adds.

use evenkeel_core::call::format_timeout;
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Uri, Version};
use tokio::time::Instant;
use tonic::Status;

use super::deadline::GRPC_TIMEOUT;
use crate::client::config::Config;
use crate::http2::header_list;

/// A request's head, as often as it is needed.
///
/// The first attempt takes the caller's own header map. Others are rare: for them the entries are kept beside it,
/// without an allocation unless there are many.
pub(super) struct Head {
    method: Method,
    uri: Uri,
    path: PathAndQuery,
    first: Option<HeaderMap>,
    kept: [Option<(HeaderName, HeaderValue)>; INLINE],
    overflow: Vec<(HeaderName, HeaderValue)>,
    user_agent: HeaderValue,
    /// The deadline was set a while ago: what is left of it must be said instead.
    aged: bool,
}

/// `te` and `content-type` are always there; most callers add an `authorization` and an id for tracing at most.
const INLINE: usize = 4;

impl Head {
    pub(super) fn new(request: http::request::Parts, config: &Config) -> Result<Self, Status> {
        if let Some(name) = header_list::forbidden(&request.headers) {
            let text =
                format!("the request's metadata hold `{name}`, which HTTP/2 does not allow: leave it out");
            return Err(Status::internal(text));
        }
        let path = request.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(config.scheme.clone());
        parts.authority = Some(config.authority.clone());
        parts.path_and_query = Some(path.clone());
        let uri = Uri::from_parts(parts)
            .map_err(|error| Status::internal(format!("the request's path {path}: {error}")))?;
        let mut head = Self {
            method: request.method,
            uri,
            path,
            first: None,
            kept: [const { None }; INLINE],
            overflow: Vec::new(),
            user_agent: config.user_agent.clone(),
            aged: false,
        };
        head.keep(&request.headers);
        let mut first = request.headers;
        first.insert(USER_AGENT, config.user_agent.clone());
        head.first = Some(first);
        Ok(head)
    }

    pub(super) fn path(&self) -> &str {
        self.path.as_str()
    }

    /// Time has passed since the caller set the deadline.
    pub(super) fn waited(&mut self) {
        self.aged = true;
    }

    /// The head for one attempt. The first one, if it did not wait, carries the caller's own `grpc-timeout`.
    pub(super) fn for_attempt(&mut self, deadline: Option<Instant>) -> Result<Request<()>, Status> {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.first.take().unwrap_or_else(|| self.rebuild());
        if std::mem::replace(&mut self.aged, true)
            && let Some(deadline) = deadline
        {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut value = HeaderValue::try_from(format_timeout(left))
                .map_err(|error| Status::internal(format!("writing grpc-timeout: {error}")))?;
            // A value of its own for each call would push every useful entry out of the peer's HPACK table.
            value.set_sensitive(true);
            request.headers_mut().insert(GRPC_TIMEOUT, value);
        }
        Ok(request)
    }

    fn keep(&mut self, headers: &HeaderMap) {
        // The channel writes these two itself.
        let own = |name: &HeaderName| *name == GRPC_TIMEOUT || *name == USER_AGENT;
        let mut entries = headers.iter().filter(|(name, _)| !own(name));
        for place in &mut self.kept {
            *place = entries.next().map(|(name, value)| (name.clone(), value.clone()));
        }
        self.overflow = entries.map(|(name, value)| (name.clone(), value.clone())).collect();
    }

    fn rebuild(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in self.kept.iter().flatten().chain(&self.overflow) {
            headers.append(name, value.clone());
        }
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers
    }
}
