//! How many PINGs a server takes that polices them as strictly as any does by default.
//!
//! grpc-go and C-core count a strike for each PING that comes less than 5 minutes after the one before, and end the
//! connection at the third. HEADERS and DATA that they send wipe the strikes out, and make the next PING free.

use std::time::Duration;

use crate::time::Time;

/// Without the spare: the first is free, and the second is one strike.
const PINGS: u32 = 2;
/// 5 minutes, and room for what time and the network add.
const APART: Duration = Duration::from_secs(330);

/// The PINGs since the server last sent HEADERS or DATA.
#[derive(Debug, Default)]
pub(super) struct Budget {
    spent: u32,
    /// One more, for a call that was begun after the last answer.
    spare_is_spent: bool,
    called_since_ack: bool,
    last: Option<Time>,
}

impl Budget {
    /// When the next PING can be sent at the earliest.
    pub(super) fn not_before(&self) -> Time {
        match self.last {
            Some(last) if self.spent >= PINGS && !self.has_spare() => last + APART,
            _ => Time::ORIGIN,
        }
    }

    pub(super) fn on_ping(&mut self, now: Time) {
        if self.spent < PINGS {
            self.spent += 1;
        } else if self.has_spare() {
            self.spare_is_spent = true;
        }
        self.last = Some(now);
    }

    pub(super) fn on_ack(&mut self) {
        self.called_since_ack = false;
    }

    pub(super) fn on_call(&mut self) {
        self.called_since_ack = true;
    }

    /// A PING that is on its way reaches the server after what it sent, and is the first of the next ones.
    pub(super) fn on_messages(&mut self, is_ping_on_its_way: bool) {
        self.spent = u32::from(is_ping_on_its_way);
        self.spare_is_spent = false;
    }

    fn has_spare(&self) -> bool {
        self.called_since_ack && !self.spare_is_spent
    }
}
