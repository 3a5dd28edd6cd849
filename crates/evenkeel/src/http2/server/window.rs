//! A connection's receive window, which grows as handlers read.

use std::sync::Arc;

use super::budget::{Budget, Need, Taken};

/// What HTTP/2 gives every connection (RFC 9113 §6.9.2); nobody can give less.
const FIRST: u32 = 65_535;

/// How much a client may have under way unread. It begins small and doubles each time that handlers have read twice as
/// much: a client whose requests are read gets its speed, and one that sends what nobody reads holds 64 KiB.
#[derive(Debug)]
pub(super) struct Window {
    now: u32,
    most: u32,
    budget: Arc<Budget>,
    taken: Option<Taken>,
    /// How much had been read when it was last looked at.
    read: u64,
}

impl Window {
    /// `most`: what it may grow to; `budget`: what it grows out of.
    pub(super) fn new(most: u32, budget: Arc<Budget>) -> Self {
        Self { now: FIRST.min(most), most, budget, taken: None, read: 0 }
    }

    /// So much has been read by now: the window to be set, if it is another one.
    pub(super) fn on_read(&mut self, read: u64) -> Option<u32> {
        if self.now >= self.most || read.wrapping_sub(self.read) < u64::from(self.now) * 2 {
            return None;
        }
        self.read = read;
        let wanted = self.now.saturating_mul(2).min(self.most);
        let more = self.budget.try_take((wanted - self.now) as usize, Need::First)?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        self.now = wanted;
        Some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_as_what_was_sent_is_read_up_to_its_most() {
        let budget = Budget::new(1 << 20);
        let mut window = Window::new(300_000, Arc::clone(&budget));
        assert_eq!(window.on_read(131_069), None);
        assert_eq!(window.on_read(131_070), Some(131_070));
        assert_eq!(window.on_read(131_070 + 262_139), None);
        assert_eq!(window.on_read(10_000_000), Some(262_140));
        assert_eq!(window.on_read(20_000_000), Some(300_000));
        assert_eq!(window.on_read(90_000_000), None);
        assert!(budget.try_take((1 << 20) - (300_000 - 65_535) + 1, Need::First).is_none());
        drop(window);
        assert!(budget.try_take(1 << 20, Need::First).is_some(), "it is given back");
    }

    #[test]
    fn it_stays_when_there_is_no_memory_for_more_and_tries_again_later() {
        let budget = Budget::new(70_000);
        let taken = budget.try_take(70_000, Need::First);
        let mut window = Window::new(1 << 20, Arc::clone(&budget));
        assert_eq!(window.on_read(200_000), None);
        drop(taken);
        assert_eq!(window.on_read(200_001), None);
        assert_eq!(window.on_read(400_000), Some(131_070));
        assert_eq!(Window::new(10, budget).on_read(1 << 30), None, "it is never above what was set");
    }
}
