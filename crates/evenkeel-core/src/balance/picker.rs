//! Pickers: a policy's decision, frozen so that any number of calls can use it at once.

use std::fmt;
use std::sync::Arc;

use super::SubchannelId;
use super::feedback::Track;
use crate::cause::Cause;
use crate::code::Code;
use crate::state::ConnectivityState;

/// What a picker may know about a call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallInfo<'a> {
    /// The full method path, `/package.Service/Method`.
    pub path: &'a str,
    /// The call's metadata.
    pub headers: &'a dyn Headers,
    /// Drawn for this pick, uniformly from all of `u64`: a picker has no other source of randomness.
    pub random: u64,
    /// How many attempts of this call went before: 0 for the first.
    pub attempt: u32,
    /// Where those attempts went, as far as they were sent anywhere.
    pub tried: &'a [SubchannelId],
}

/// A call's metadata, as a picker may read them.
pub trait Headers: fmt::Debug {
    /// Hands each value of the header `name`, in lower case, to `each`, in order.
    fn values(&self, name: &str, each: &mut dyn FnMut(&[u8]));
}

/// Where a call goes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Pick {
    /// To a subchannel. If it lost its connection meanwhile, the call waits for the next picker.
    Go(Picked),
    /// Nowhere yet: the call waits for the next picker.
    Queue,
    /// Nowhere yet, and the policy has to do something about it: it hears of this
    /// ([`Policy::on_wake`](super::Policy::on_wake)), and the call waits for the next picker.
    Wake(WakeToken),
    /// Nowhere: the call fails so, unless it waits for ready, or a retry policy has it made again.
    Fail(PickFailure),
    /// Nowhere: the call fails even if it waits for ready, and is not retried.
    Drop(PickFailure),
}

/// The subchannel that a call goes to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Picked {
    /// Which one.
    pub subchannel: SubchannelId,
    /// Who hears how it went.
    pub track: Option<Track>,
}

/// What a picker tells its policy by way of a call that waits; what it means is theirs to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WakeToken(pub u64);

/// Why a picker has nowhere to send a call, and what the call then ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickFailure {
    code: Code,
    cause: Cause,
}

impl PickFailure {
    /// UNAVAILABLE, for this reason.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self { code: Code::Unavailable, cause: cause.into() }
    }

    /// `code`, for this reason. What only a server can say of a call, or that it succeeded, becomes INTERNAL, and the text
    /// says what it was (gRFC A54).
    pub fn new(code: Code, cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        if !is_a_servers(code) {
            return Self { code, cause };
        }
        let text = format!("the load-balancing policy says {code:?}, which only a server can: {cause}");
        Self { code: Code::Internal, cause: Cause::new(cause.kind(), text) }
    }

    /// What the call ends with.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

/// The codes that gRFC A54 keeps from everybody else.
fn is_a_servers(code: Code) -> bool {
    matches!(
        code,
        Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::DataLoss
    )
}

/// A failure's text, with the resolver's remark.
pub(crate) fn noted(text: &str, note: Option<&Arc<str>>) -> Arc<str> {
    match note {
        Some(note) => format!("{text}; {note}").into(),
        None => text.into(),
    }
}

/// A policy's decision for the calls of this moment.
pub trait Picker: fmt::Debug + Send + Sync {
    /// Decides about one attempt of a call. Must not block.
    fn pick(&self, call: &CallInfo<'_>) -> Pick;
}

impl<'a> CallInfo<'a> {
    /// The first attempt of a call to `path`, without metadata, and with nothing drawn.
    pub fn new(path: &'a str) -> Self {
        Self { path, headers: &(), random: 0, attempt: 0, tried: &[] }
    }
}

impl Headers for () {
    fn values(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}
}

impl Pick {
    /// To this subchannel, and nobody wants to hear how it went.
    pub fn go(subchannel: SubchannelId) -> Self {
        Self::Go(Picked { subchannel, track: None })
    }

    /// To this subchannel; `track` hears how it went.
    pub fn go_tracked(subchannel: SubchannelId, track: Track) -> Self {
        Self::Go(Picked { subchannel, track: Some(track) })
    }
}

/// What a policy has come to: a state, and the picker that goes with it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Published {
    /// The channel's state.
    pub state: ConnectivityState,
    /// Decides about calls until the next one is published.
    pub picker: Arc<dyn Picker>,
    /// Why nothing is READY, as far as the policy knows: for calls that wait longer than they can.
    pub failure: Option<Cause>,
}

impl Published {
    /// READY: `picker` sends calls somewhere.
    pub fn ready(picker: impl Picker + 'static) -> Self {
        Self::with_picker(ConnectivityState::Ready, picker)
    }

    /// All calls wait, in this state: IDLE or CONNECTING.
    pub fn waiting(state: ConnectivityState) -> Self {
        Self::with_picker(state, QueuePicker)
    }

    /// TRANSIENT_FAILURE: calls fail with this, unless they wait for ready.
    pub fn failing(failure: PickFailure) -> Self {
        let cause = Some(failure.cause.clone());
        Self { failure: cause, ..Self::with_picker(ConnectivityState::TransientFailure, FailPicker(failure)) }
    }

    /// SHUTDOWN: calls fail with this for good.
    pub fn shut_down(failure: PickFailure) -> Self {
        let cause = Some(failure.cause.clone());
        Self { failure: cause, ..Self::with_picker(ConnectivityState::Shutdown, DropPicker(failure)) }
    }

    /// This state, with a picker of one's own.
    pub fn with_picker(state: ConnectivityState, picker: impl Picker + 'static) -> Self {
        Self { state, picker: Arc::new(picker), failure: None }
    }
}

/// Lets every call wait: for a channel that is IDLE or CONNECTING.
#[derive(Clone, Copy, Debug, Default)]
struct QueuePicker;

/// Fails every call with the same reason: for a channel in TRANSIENT_FAILURE.
#[derive(Clone, Debug)]
struct FailPicker(PickFailure);

/// Fails every call for good.
#[derive(Clone, Debug)]
struct DropPicker(PickFailure);

impl Picker for QueuePicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::Queue
    }
}

impl Picker for FailPicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::Fail(self.0.clone())
    }
}

impl Picker for DropPicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::Drop(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::CauseKind;

    /// Check 40 of gRPC's (gRFC A54): a policy's NOT_FOUND would look like the server's.
    #[test]
    fn a_policy_does_not_speak_for_a_server() {
        for number in 0..17 {
            let code = Code::from_number(number);
            let failure = PickFailure::new(code, Cause::new(CauseKind::Tls, "because"));
            let is_kept = ![0, 3, 5, 6, 9, 10, 11, 15].contains(&number);
            assert_eq!(failure.code(), if is_kept { code } else { Code::Internal }, "{code:?}");
            assert_eq!(&**failure.cause().text() == "because", is_kept, "{}", failure.cause());
            assert!(failure.cause().text().ends_with("because"), "{}", failure.cause());
            assert_eq!(failure.cause().kind(), CauseKind::Tls);
        }
    }
}
