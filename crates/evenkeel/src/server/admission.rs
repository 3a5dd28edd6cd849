//! Which calls a server takes: no more than its memory holds, and none that is over before it begins.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_core::call::parse_timeout;
use http::header::{HOST, HeaderName};
use http::{HeaderMap, Request};
use tokio::time::Instant;
use tonic::Status;

use super::refusal::Refusal;
use crate::http2::server::{Memory, Need, Taken};

static GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// What a call that waits for its body, or its handler, costs beside its metadata: its stream, its task, its handler's
/// own state. Measured, and rounded up.
const PER_CALL: usize = 12 << 10;
/// Metadata are kept as they came, and as a map.
const PER_BYTE_OF_HEAD: usize = 2;
/// A connection with fewer calls than this is served from what is kept back for such.
const FEW_CALLS: usize = 16;
/// How often a server says that it is full.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// What all clients together may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_connections: usize,
    pub(super) max_calls: usize,
    /// Bytes.
    pub(super) memory_budget: usize,
}

/// Lets calls and connections in.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) memory: Arc<Memory>,
    limits: Limits,
    calls: AtomicUsize,
    connections: AtomicUsize,
    said: Mutex<Option<Instant>>,
}

/// A call that was let in, until it is dropped.
#[derive(Debug)]
pub(super) struct AdmittedCall {
    admission: Arc<Admission>,
    _memory: Taken,
}

/// A connection that was let in, until it is dropped.
#[derive(Debug)]
pub(super) struct AdmittedConnection(Arc<Admission>);

impl Admission {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            memory: Arc::new(Memory::new(limits.memory_budget)),
            limits,
            calls: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            said: Mutex::new(None),
        })
    }

    /// Lets a connection in, unless there are too many.
    pub(super) fn connection(self: &Arc<Self>) -> Option<AdmittedConnection> {
        if !add_below(&self.connections, self.limits.max_connections) {
            self.say("max_connections is reached: a new connection is closed");
            return None;
        }
        Some(AdmittedConnection(Arc::clone(self)))
    }

    /// Lets a call in with metadata of this size, on a connection that has so many already; `None` when the server is
    /// full.
    pub(super) fn call(self: &Arc<Self>, head_size: usize, on_connection: usize) -> Option<AdmittedCall> {
        let is_one_of_few = on_connection < FEW_CALLS;
        let (need, most) = match is_one_of_few {
            true => (Need::First, self.limits.max_calls),
            false => (Need::More, self.limits.max_calls - self.limits.max_calls / 4),
        };
        let Some(memory) = self.memory.calls.try_take(PER_CALL + head_size * PER_BYTE_OF_HEAD, need) else {
            self.say("the memory budget is used up: a call is refused");
            return None;
        };
        if !add_below(&self.calls, most) {
            self.say("max_calls is reached: a call is refused");
            return None;
        }
        Some(AdmittedCall { admission: Arc::clone(self), _memory: memory })
    }

    /// How many calls run.
    pub(super) fn open_calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn say(&self, what: &'static str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|at| at.elapsed() >= SAY_EVERY) {
            *said = Some(Instant::now());
            let (calls, connections) =
                (self.calls.load(Ordering::Relaxed), self.connections.load(Ordering::Relaxed));
            tracing::warn!(calls, connections, limits = ?self.limits, "{what}; this is said once a minute");
        }
    }
}

fn add_below(count: &AtomicUsize, most: usize) -> bool {
    let add = |count: usize| (count < most).then_some(count + 1);
    count.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).is_ok()
}

impl Drop for AdmittedCall {
    fn drop(&mut self) {
        self.admission.calls.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for AdmittedConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What the head of a request says about its call's life.
///
/// # Errors
/// When the call must not reach a handler.
pub(super) fn deadline_of<B>(
    request: &Request<B>,
    head_size: usize,
    max_head_size: u32,
) -> Result<Option<Instant>, Refusal> {
    if head_size > max_head_size as usize {
        let text =
            format!("the request's metadata have {head_size} bytes, and this server takes {max_head_size}");
        return Err(Refusal::Status(Status::resource_exhausted(text)));
    }
    if request.headers().get_all(HOST).iter().nth(1).is_some() {
        return Err(Refusal::bad_request("more than one host header"));
    }
    timeout(request.headers())
}

fn timeout(headers: &HeaderMap) -> Result<Option<Instant>, Refusal> {
    let Some(value) = headers.get(&GRPC_TIMEOUT) else { return Ok(None) };
    let timeout = parse_timeout(value.as_bytes())
        .map_err(|error| Refusal::bad_request(&format!("malformed grpc-timeout {value:?}: {error}")))?;
    if timeout.is_zero() {
        return Err(Refusal::Status(Status::deadline_exceeded("the call's time is over")));
    }
    // A deadline past the end of time is none.
    Ok(Instant::now().checked_add(timeout))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_calls: usize, memory_budget: usize) -> Arc<Admission> {
        Admission::new(Limits { max_connections: 2, max_calls, memory_budget })
    }

    #[test]
    fn a_connection_with_few_calls_is_served_when_others_took_all_they_could() {
        let admission = limits(100, usize::MAX);
        let many: Vec<_> = (0..200).map_while(|_| admission.call(100, 1000)).collect();
        assert_eq!(many.len(), 75);
        let few: Vec<_> = (0..200).map_while(|_| admission.call(100, 15)).collect();
        assert_eq!(few.len(), 25);
        drop(many);
        assert!(admission.call(100, 16).is_some());
    }

    #[test]
    fn memory_is_taken_by_the_size_of_a_head_and_given_back() {
        let admission = limits(usize::MAX, 1 << 20);
        let count = |head| (0..10_000).map_while(|_| admission.call(head, 1000)).collect::<Vec<_>>().len();
        let (small, large) = (count(100), count(16_000));
        assert!(small > 3 * large && large > 5, "{small} {large}");
        assert_eq!(count(100), small);
    }

    #[test]
    fn connections_have_a_limit() {
        let admission = limits(1, 1);
        let first = admission.connection().unwrap();
        let _second = admission.connection().unwrap();
        assert!(admission.connection().is_none());
        drop(first);
        assert!(admission.connection().is_some());
    }

    fn judge(fields: &[(&str, &str)]) -> Result<bool, Refusal> {
        let mut request = Request::builder().uri("/a/b");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        deadline_of(&request.body(()).unwrap(), 500, 1000).map(|deadline| deadline.is_some())
    }

    #[tokio::test]
    async fn what_is_over_or_malformed_does_not_reach_a_handler() {
        assert!(!judge(&[]).unwrap());
        assert!(judge(&[("grpc-timeout", "1S"), ("host", "a")]).unwrap());
        assert!(judge(&[("grpc-timeout", "99999999H")]).is_ok());
        for value in ["0n", "0H", "00000000m"] {
            let Err(Refusal::Status(status)) = judge(&[("grpc-timeout", value)]) else { panic!("{value}") };
            assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
        }
        for value in ["", "1", "S", "1x", "-1S", "123456789S", "1.5S"] {
            let Err(Refusal::Http { status, .. }) = judge(&[("grpc-timeout", value)]) else {
                panic!("{value}")
            };
            assert_eq!(status, 400);
        }
        assert!(judge(&[("host", "a"), ("host", "b")]).is_err());
        let request = Request::new(());
        assert!(matches!(deadline_of(&request, 1001, 1000), Err(Refusal::Status(_))));
    }
}
