//! May a failed attempt be made again without anybody noticing (gRFC A6, transparent retries)?

/// How one attempt ended, as far as retrying goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Not one byte of the request left this process.
    NeverSent,
    /// The peer refused the request without having looked at it: REFUSED_STREAM, or an id above the last of a GOAWAY
    /// that reports an error.
    Refused,
    /// The peer ends its connection in good order, and the request came too late for it: an id above the last of a
    /// GOAWAY with NO_ERROR.
    LeftBehind,
    /// Anything else: the server may have acted on the request.
    MaybeProcessed,
}

/// What to do about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Pick again and send the same request.
    Retry,
    /// The call has failed.
    GiveUp,
}

/// The attempts of one call so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    refused: bool,
}

impl Attempts {
    /// Takes note of a failed attempt and says what follows.
    ///
    /// `replayable` is whether the request can be sent again from its beginning. A request that never left is
    /// retried as often as it takes; one that a server refused is retried once (A6: a second refusal is the servers'
    /// answer, and retrying it for ever would keep an overloaded cluster overloaded). One that an ageing connection
    /// left behind is retried as often as it takes too: it says nothing about load, several connections may come to
    /// their age while a call is on its way, and each such retry uses up a connection, so it ends.
    pub fn on_failure(&mut self, failure: Failure, replayable: bool) -> Verdict {
        match failure {
            Failure::NeverSent | Failure::LeftBehind if replayable => Verdict::Retry,
            Failure::Refused if replayable && !self.refused => {
                self.refused = true;
                Verdict::Retry
            }
            _ => Verdict::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_left_is_retried_without_limit() {
        let mut attempts = Attempts::default();
        for _ in 0..100 {
            assert_eq!(attempts.on_failure(Failure::NeverSent, true), Verdict::Retry);
        }
    }

    #[test]
    fn what_ageing_connections_left_behind_is_retried_without_limit() {
        let mut attempts = Attempts::default();
        for _ in 0..100 {
            assert_eq!(attempts.on_failure(Failure::LeftBehind, true), Verdict::Retry);
        }
        assert_eq!(attempts.on_failure(Failure::LeftBehind, false), Verdict::GiveUp);
    }

    #[test]
    fn a_refusal_is_retried_once() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.on_failure(Failure::Refused, true), Verdict::Retry);
        assert_eq!(attempts.on_failure(Failure::NeverSent, true), Verdict::Retry);
        assert_eq!(attempts.on_failure(Failure::Refused, true), Verdict::GiveUp);
    }

    #[test]
    fn what_may_have_been_processed_is_never_retried() {
        assert_eq!(Attempts::default().on_failure(Failure::MaybeProcessed, true), Verdict::GiveUp);
    }

    #[test]
    fn a_request_that_is_no_longer_whole_is_never_retried() {
        assert_eq!(Attempts::default().on_failure(Failure::NeverSent, false), Verdict::GiveUp);
        assert_eq!(Attempts::default().on_failure(Failure::Refused, false), Verdict::GiveUp);
    }
}
