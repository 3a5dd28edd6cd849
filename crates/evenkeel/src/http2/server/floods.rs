//! What a client may do often, and what it may not.

use std::sync::Arc;

use evenkeel_core::serve::{Rate, RateLimit};
use evenkeel_core::time::Time;

use super::budget::{Part, Share};
use super::settings::MOST_SMALL_FRAMES;
use super::traffic::Traffic;
use crate::clock::Clock;
use crate::http2::wire::WireFacts;

/// Calls that the client cancels (rapid reset, CVE-2023-44487). Cancelling is every client's right, and one whose
/// process was stopped for a moment cancels all it had under way at once; none cancels thousands of calls in every
/// second on one connection. What each costs is bounded whatever the rate: here it is about the processor.
const CANCELLED: Rate = Rate { burst: 20_000, per_second: 5_000 };

/// Streams that we had to reset for the client's faults (CVE-2025-8671). A client that speaks HTTP/2 makes none, but for
/// frames that were on their way when a stream ended. The rate is nghttp2's.
const FAULTS: Rate = Rate { burst: 300, per_second: 33 };

/// A header block of which so much has come without its end is accounted for.
const LONG_BLOCK: usize = 1 << 10;
/// A byte of it can be a field, which takes so much.
const PER_BYTE_OF_BLOCK: usize = 72;
/// What a field counts for at least in a header list's size (RFC 9113 §6.5.2), with a name of one byte.
const COUNTED_PER_FIELD: u32 = 33;

/// So many small frames that nobody has read are not accounted for: every connection may have them.
const FEW_SMALL: u64 = 64;
/// What h2 keeps for each.
const PER_SMALL: usize = 248;

/// Looks at what a connection's frames come to.
#[derive(Debug)]
pub(super) struct FloodWatch {
    clock: Clock,
    cancelled: (u64, RateLimit),
    faults: (u64, RateLimit),
    share: Arc<Share>,
    /// What the decoded fields of a block can take: those that do not fit are not kept.
    decoded_at_most: usize,
    block: Option<Part>,
    small: Option<Part>,
}

impl FloodWatch {
    /// `max_list`: the longest header list that is decoded.
    pub(super) fn new(share: Arc<Share>, max_list: u32) -> Self {
        Self {
            clock: Clock::start(),
            cancelled: (0, RateLimit::new(CANCELLED, Time::ORIGIN)),
            faults: (0, RateLimit::new(FAULTS, Time::ORIGIN)),
            share,
            decoded_at_most: (max_list / COUNTED_PER_FIELD) as usize * PER_BYTE_OF_BLOCK,
            block: None,
            small: None,
        }
    }

    /// What is too much, if anything is: the connection should end.
    pub(super) fn look(&mut self, facts: &WireFacts, traffic: &Traffic) -> Option<&'static str> {
        let clock = self.clock;
        if is_too_often(&mut self.cancelled, facts.peer_resets(), clock) {
            return Some("too_many_cancelled_calls");
        }
        if is_too_often(&mut self.faults, facts.fault_resets(), clock) {
            return Some("too_many_faults");
        }
        if self.account_block(facts.header_block()).is_none() {
            return Some("header_block_too_long");
        }
        let unread = facts.small_data().saturating_sub(traffic.small_read());
        self.account_small(unread).is_none().then_some("too_many_small_frames")
    }

    /// Accounts for pieces of requests that nobody has read; `None` when there is no memory for them. What h2 has for
    /// them doubles, and is never given back.
    fn account_small(&mut self, unread: u64) -> Option<()> {
        if unread <= FEW_SMALL {
            return Some(());
        }
        let room = unread.min(MOST_SMALL_FRAMES).next_power_of_two();
        let needed = usize::try_from(room).unwrap_or(usize::MAX).saturating_mul(PER_SMALL);
        let held = self.small.as_ref().map_or(0, Part::bytes);
        if needed > held {
            self.share.grow(&mut self.small, needed - held)?;
        }
        Some(())
    }

    /// Accounts for a header block that has not ended; `None` when there is no memory for it.
    fn account_block(&mut self, block: usize) -> Option<()> {
        if block < LONG_BLOCK {
            self.block = None;
            return Some(());
        }
        let held = self.block.as_ref().map_or(0, Part::bytes);
        let decoded = block.saturating_mul(PER_BYTE_OF_BLOCK).min(self.decoded_at_most);
        let more = block.saturating_add(decoded).saturating_sub(held);
        if more > 0 {
            self.share.grow(&mut self.block, more)?;
        }
        Some(())
    }
}

/// Reads the clock only when there is something new.
fn is_too_often((seen, limit): &mut (u64, RateLimit), count: u64, clock: Clock) -> bool {
    let fresh = count.wrapping_sub(*seen);
    *seen = count;
    fresh > 0 && limit.is_exceeded_by(fresh, clock.now())
}
