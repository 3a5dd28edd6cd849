//! Requests whose messages have begun and not ended.

use std::sync::Arc;

use super::budget::{Part, Share};

/// A message's compression flag and length (gRPC over HTTP/2).
const PREFIX: usize = 5;
/// Up to so much, a message is no matter: its call has been paid for.
const LITTLE: usize = 2 << 10;
/// What tonic decodes, unless the program says otherwise. A longer message is its decoder's business from its first byte
/// on: mostly, to refuse it.
const HELD_AT_MOST: usize = 4 << 20;
/// Longer ones are paid in steps.
const STEP: usize = 64 << 10;

/// Accounts for a message while it arrives: its reader has to keep it all until it is whole.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    prefix: [u8; PREFIX],
    have: usize,
    /// How much of the message is still to come.
    left: usize,
    /// How much has come.
    come: usize,
    taken: Option<Part>,
}

/// The server has no memory for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoMemory;

impl Arriving {
    /// The next bytes of the request; says how many of them, at their end, should be kept until their message is whole.
    ///
    /// # Errors
    /// When there is no memory for the message.
    pub(super) fn on_data(&mut self, data: &[u8], share: &Arc<Share>) -> Result<usize, NoMemory> {
        let mut rest = data;
        // Where the message that is arriving begins in these bytes.
        let mut begins = 0;
        while !rest.is_empty() {
            if self.left == 0 {
                begins = (data.len() - rest.len()).saturating_sub(self.have);
                rest = self.on_prefix(rest);
            } else {
                rest = self.on_message(rest);
            }
        }
        if self.left == 0 {
            return Ok(0);
        }
        if self.come > LITTLE {
            self.pay(share)?;
        }
        let is_to_be_held = self.left + self.come <= HELD_AT_MOST;
        Ok(if is_to_be_held { data.len() - begins } else { 0 })
    }

    fn on_prefix<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let (now, rest) = data.split_at(data.len().min(PREFIX - self.have));
        for (place, byte) in self.prefix.iter_mut().skip(self.have).zip(now) {
            *place = *byte;
        }
        self.have += now.len();
        if self.have == PREFIX {
            let [_, length @ ..] = self.prefix;
            (self.have, self.come) = (0, 0);
            self.left = u32::from_be_bytes(length) as usize;
        }
        rest
    }

    fn on_message<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let (now, rest) = data.split_at(data.len().min(self.left));
        self.left -= now.len();
        self.come += now.len();
        if self.left == 0 {
            // What becomes of a whole message is its handler's business.
            self.taken = None;
        }
        rest
    }

    fn pay(&mut self, share: &Arc<Share>) -> Result<(), NoMemory> {
        let paid = self.taken.as_ref().map_or(0, Part::bytes);
        if paid >= self.come {
            return Ok(());
        }
        // As much again as has come, so that a long message is not looked up frame by frame.
        let step = (self.come - paid).max(self.come.min(STEP));
        share.grow(&mut self.taken, step).ok_or(NoMemory)
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::{Budget, Need};
    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend((length as u32).to_be_bytes());
        bytes.resize(PREFIX + length, 7);
        bytes
    }

    fn paid(arriving: &Arriving) -> usize {
        arriving.taken.as_ref().map_or(0, Part::bytes)
    }

    #[test]
    fn a_message_is_paid_for_while_it_arrives_however_it_is_cut() {
        let budget = Budget::new(16 << 20);
        let share = Share::new(Arc::clone(&budget));
        let bytes = [message(0), message(3), message(300_000), message(10), message(200_000)].concat();
        for chunk in [1, 4, 5, 1000, 16_384, bytes.len()] {
            let mut arriving = Arriving::default();
            let mut most = 0;
            for part in bytes.chunks(chunk) {
                let held = arriving.on_data(part, &share).unwrap();
                assert!(held <= part.len() && (arriving.left > 0 || held == 0));
                assert!(arriving.come <= LITTLE || arriving.left == 0 || paid(&arriving) >= arriving.come);
                most = most.max(paid(&arriving));
            }
            assert_eq!((arriving.left, arriving.have, paid(&arriving)), (0, 0, 0), "{chunk}");
            assert!(chunk > 300_000 || (280_000..400_000).contains(&most), "{chunk}: {most}");
        }
        assert!(budget.try_take(16 << 20, Need::First).is_some(), "all is given back");
    }

    #[test]
    fn without_memory_it_is_refused_and_small_ones_are_not() {
        let budget = Budget::new(1 << 20);
        let share = Share::new(Arc::clone(&budget));
        let _all = budget.try_take(1 << 20, Need::First).unwrap();
        let mut arriving = Arriving::default();
        assert_eq!(arriving.on_data(&message(LITTLE), &share), Ok(0));
        let begun = &message(LITTLE + 2)[..PREFIX + LITTLE];
        assert_eq!(arriving.on_data(begun, &share), Ok(begun.len()));
        assert_eq!(arriving.on_data(&[0], &share), Err(NoMemory));
        drop(arriving);
        let mut huge = Arriving::default();
        assert_eq!(huge.on_data(&[0, 0xff, 0xff, 0xff, 0xff], &share), Ok(0), "a length alone costs nothing");
    }

    #[test]
    fn a_whole_message_does_not_wait_for_the_next_one() {
        let share = Share::new(Budget::new(1 << 20));
        let mut arriving = Arriving::default();
        let both = [message(10), message(20)].concat();
        assert_eq!(arriving.on_data(&both[..15 + 7], &share), Ok(7));
        assert_eq!(arriving.on_data(&both[22..30], &share), Ok(8), "all of it is the second one's");
        assert_eq!(arriving.on_data(&both[30..], &share), Ok(0));
        assert_eq!(arriving.on_data(&both[..3], &share), Ok(0), "a part of a prefix is handed on");
        assert_eq!(arriving.on_data(&both[3..8], &share), Ok(5));
        assert_eq!(arriving.on_data(&both[8..], &share), Ok(0));
    }
}
