//! What follows a failed attempt: nothing, another one at once that nobody notices, or one after a while (gRFC A6).

use std::time::Duration;

use super::pushback::Pushback;
use super::retry::Retry;
use crate::code::Code;
use crate::random::Random;

/// How one attempt ended that gave its caller no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Not one byte of the request left this process.
    NeverSent,
    /// The peer refused the request without having looked at it: REFUSED_STREAM, or an id above the last of a GOAWAY
    /// that reports an error.
    Refused,
    /// The peer ends its connection in good order, and the request came too late for it: an id above the last of a
    /// GOAWAY with NO_ERROR.
    LeftBehind,
    /// Anything else: the server may have acted on the request.
    Status {
        /// What the call would end with.
        code: Code,
        /// What the server asks for.
        pushback: Pushback,
    },
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The call has failed.
    GiveUp,
    /// Pick again and send the same request.
    Now,
    /// The same, after a while.
    After(Duration),
}

/// The attempts of one call so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    refused: bool,
    retries: u32,
    /// Since the server last said when.
    since_pushback: u32,
}

impl Attempts {
    /// Takes note of a failed attempt and says what follows.
    ///
    /// `replayable` is whether the request can be sent again from its beginning. A request that never left is
    /// retried as often as it takes; one that a server refused is retried once (A6: a second refusal is the servers'
    /// answer, and retrying it for ever would keep an overloaded cluster overloaded). One that an ageing connection
    /// left behind is retried as often as it takes too: it says nothing about load, several connections may come to
    /// their age while a call is on its way, and each such retry uses up a connection, so it ends. None of these counts
    /// as a retry; all else is for `retry` to say, if the call has such a policy.
    pub fn on_ended(
        &mut self,
        ended: Ended,
        replayable: bool,
        retry: Option<&Retry>,
        random: &mut dyn Random,
    ) -> Next {
        if !replayable {
            return Next::GiveUp;
        }
        let (code, pushback) = match ended {
            Ended::NeverSent | Ended::LeftBehind => return Next::Now,
            Ended::Refused if !self.refused => {
                self.refused = true;
                return Next::Now;
            }
            Ended::Refused => (Code::Unavailable, Pushback::None),
            Ended::Status { code, pushback } => (code, pushback),
        };
        match retry {
            Some(retry) if retry.allows(code, pushback, self.retries) => self.retry(retry, pushback, random),
            _ => Next::GiveUp,
        }
    }

    /// How many attempts the server is told were made before this one (`grpc-previous-rpc-attempts`).
    pub fn retries(&self) -> u32 {
        self.retries
    }

    fn retry(&mut self, retry: &Retry, pushback: Pushback, random: &mut dyn Random) -> Next {
        self.retries += 1;
        if let Pushback::After(wait) = pushback {
            self.since_pushback = 0;
            return Next::After(wait);
        }
        self.since_pushback += 1;
        Next::After(retry.policy.backoff(self.since_pushback, random))
    }
}

#[cfg(test)]
mod tests;
