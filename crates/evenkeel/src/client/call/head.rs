//! A request's head: what the generated client said, and what the channel adds.

use evenkeel_core::balance::Headers;
use evenkeel_core::call::format_timeout;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Uri, Version};
use tokio::time::Instant;
use tonic::Status;

use super::deadline::GRPC_TIMEOUT;
use crate::client::config::Config;
use crate::http2::header_list;

/// A request's head, as often as it is needed.
///
/// The first attempt takes the caller's own header map. Others are rare: for them the entries are kept beside it.
#[derive(Debug)]
pub(super) struct Head {
    path: PathAndQuery,
    first: Option<HeaderMap>,
    kept: Kept,
    /// The deadline was set a while ago: what is left of it must be said instead.
    aged: bool,
}

/// What a request's header map held, without an allocation for what every call has. It is moved about with the call, so
/// it is small.
#[derive(Debug, Default)]
struct Kept {
    /// Every gRPC call has these two.
    has_te: bool,
    has_content_type: bool,
    others: Vec<(HeaderName, HeaderValue)>,
}

static PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");
static TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
static GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

impl Head {
    pub(super) fn new(request: http::request::Parts, config: &Config) -> Result<Self, Status> {
        let path = match request.uri.into_parts().path_and_query {
            Some(path) => path,
            None => PathAndQuery::from_static("/"),
        };
        let kept = Kept::of(&request.headers)?;
        let mut first = request.headers;
        first.insert(USER_AGENT, config.user_agent.clone());
        Ok(Self { path, first: Some(first), kept, aged: false })
    }

    pub(super) fn path(&self) -> &str {
        self.path.as_str()
    }

    /// Time has passed since the caller set the deadline.
    pub(super) fn waited(&mut self) {
        self.aged = true;
    }

    pub(super) fn has_waited(&self) -> bool {
        self.aged
    }

    /// The head for one attempt, before which the call was retried `retries` times. The first one, if it did not wait,
    /// carries the caller's own `grpc-timeout`.
    pub(super) fn for_attempt(
        &mut self,
        config: &Config,
        deadline: Option<Instant>,
        retries: u32,
    ) -> Result<Request<()>, Status> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri(config)?;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.first.take().unwrap_or_else(|| self.kept.rebuild(config));
        if retries > 0 {
            request.headers_mut().insert(&PREVIOUS_ATTEMPTS, HeaderValue::from(retries));
        }
        if std::mem::replace(&mut self.aged, true)
            && let Some(deadline) = deadline
        {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut value = HeaderValue::try_from(format_timeout(left))
                .map_err(|error| Status::internal(format!("writing grpc-timeout: {error}")))?;
            // A value of its own for each call would push every useful entry out of the peer's HPACK table.
            value.set_sensitive(true);
            request.headers_mut().insert(&GRPC_TIMEOUT, value);
        }
        Ok(request)
    }

    fn uri(&self, config: &Config) -> Result<Uri, Status> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(config.scheme.clone());
        parts.authority = Some(config.authority.clone());
        parts.path_and_query = Some(self.path.clone());
        Uri::from_parts(parts)
            .map_err(|error| Status::internal(format!("the request's path {}: {error}", self.path)))
    }
}

impl Headers for Head {
    fn values(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        match &self.first {
            Some(headers) => headers.get_all(name).iter().for_each(|value| each(value.as_bytes())),
            None => self.kept.values(name, each),
        }
    }
}

impl Kept {
    fn values(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        let usual = [(self.has_te, TE, &TRAILERS), (self.has_content_type, CONTENT_TYPE, &GRPC)];
        let usual = usual.into_iter().filter(|(is_there, usual, _)| *is_there && usual == name);
        usual.for_each(|(_, _, value)| each(value.as_bytes()));
        let others = self.others.iter().filter(|(other, _)| other == name);
        others.for_each(|(_, value)| each(value.as_bytes()));
    }

    /// # Errors
    /// When there is a field that a request cannot have.
    fn of(headers: &HeaderMap) -> Result<Self, Status> {
        let mut kept = Self::default();
        for (name, value) in headers {
            if *name == TE && *value == TRAILERS {
                kept.has_te = true;
            } else if *name == CONTENT_TYPE && *value == GRPC {
                kept.has_content_type = true;
            } else if header_list::is_forbidden(name, value) {
                let text = format!(
                    "the request's metadata hold `{name}`, which HTTP/2 does not allow: leave it out"
                );
                return Err(Status::internal(text));
            } else if *name != GRPC_TIMEOUT && *name != USER_AGENT {
                // The channel writes these two itself.
                kept.others.push((name.clone(), value.clone()));
            }
        }
        Ok(kept)
    }

    fn rebuild(&self, config: &Config) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.has_te {
            headers.insert(TE, TRAILERS.clone());
        }
        if self.has_content_type {
            headers.insert(CONTENT_TYPE, GRPC.clone());
        }
        for (name, value) in &self.others {
            headers.append(name, value.clone());
        }
        headers.insert(USER_AGENT, config.user_agent.clone());
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Channel;

    fn parts(fields: &[(&'static str, &'static str)]) -> http::request::Parts {
        let mut request = Request::builder().method(Method::POST).uri("/s/m");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn every_attempt_carries_what_the_first_one_did() {
        let channel = Channel::builder("ipv4:127.0.0.1:1").build().unwrap();
        let config = channel.config();
        let usual = [("te", "trailers"), ("content-type", "application/grpc")];
        let odd =
            [("te", "trailers"), ("content-type", "application/grpc+proto"), ("x-a", "1"), ("x-a", "2")];
        let many =
            [("authorization", "b"), ("x-b", "1"), ("te", "trailers"), ("x-c", "2"), ("x-d-bin", "AA")];
        for fields in [&usual[..], &odd[..], &many[..], &[]] {
            let mut head = Head::new(parts(fields), config).unwrap();
            let [first, second] = [(); 2].map(|()| head.for_attempt(config, None, 0).unwrap());
            let sorted = |request: &Request<()>| {
                let mut all: Vec<_> =
                    request.headers().iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
                all.sort();
                all
            };
            assert_eq!(sorted(&second), sorted(&first));
            assert_eq!(first.headers().len(), fields.len() + 1, "and who sends them");
            assert_eq!((second.uri(), second.method()), (first.uri(), first.method()));
            for (name, _) in fields {
                let mut values = Vec::new();
                head.values(name, &mut |value| values.push(value.to_vec()));
                let said: Vec<_> =
                    fields.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_bytes()).collect();
                assert_eq!(values, said, "as pickers see {name}");
            }
        }
    }

    #[test]
    fn what_http2_forbids_is_named() {
        let channel = Channel::builder("ipv4:127.0.0.1:1").build().unwrap();
        for bad in [("connection", "close"), ("content-length", "3"), ("te", "gzip")] {
            let error = Head::new(parts(&[("x-a", "1"), bad]), channel.config()).err().unwrap();
            assert!(error.message().contains(bad.0), "{error}");
        }
    }
}
