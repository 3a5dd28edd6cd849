//! What of a connection's messages waits for the other side.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::budget::{Memory, Share};

/// So much of a connection's answers may wait for the client whatever others do.
const ALWAYS: usize = 64 << 10;
/// More than this must not wait where memory is short.
const SHORT_OF_MEMORY: usize = 256 << 10;
/// And more than this nowhere.
const MOST: usize = 1 << 20;
/// What the answers of all connections hold that clients do not take, beyond what each may hold in any case.
#[derive(Debug)]
pub(super) struct Untaken {
    limit: isize,
    /// Below zero for a moment at times: threads add and give back in any order.
    bytes: AtomicIsize,
    relief: Notify,
}

impl Untaken {
    pub(super) fn new(limit: usize) -> Self {
        let limit = isize::try_from(limit).unwrap_or(isize::MAX);
        Self { limit, bytes: AtomicIsize::new(0), relief: Notify::new() }
    }

    fn is_too_much(&self) -> bool {
        self.bytes.load(Ordering::Acquire) > self.limit
    }

    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes.cast_signed(), Ordering::AcqRel);
    }

    fn give_back(&self, bytes: usize) {
        let before = self.bytes.fetch_sub(bytes.cast_signed(), Ordering::AcqRel);
        if before > self.limit && before - bytes.cast_signed() <= self.limit {
            self.relief.notify_waiters();
        }
    }
}

/// What waits on one connection, and what has been read.
///
/// A client that does not take what it asked for is not given more: messages to a connection that holds much are made one
/// by one, each when the one before it is taken, and where memory is short, messages to one that holds yet more are not made.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// The bytes of answers that the client has not taken, in its calls and inside h2.
    answers: AtomicUsize,
    room: Notify,
    /// Whose message is next.
    turn: Arc<Semaphore>,
    /// Bytes of requests that handlers have read so far.
    read: AtomicU64,
    /// Small pieces that they have read, or that nobody will.
    small_read: AtomicU64,
    memory: Arc<Memory>,
    share: Arc<Share>,
}

/// How the next messages to a connection are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    AtOnce,
    OneByOne,
    NotNow,
}

/// Leave to make a message, to be kept until the client has taken it.
#[derive(Debug, Default)]
pub(super) struct Leave(Option<OwnedSemaphorePermit>);

impl Traffic {
    pub(super) fn new(memory: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self {
            answers: AtomicUsize::new(0),
            room: Notify::new(),
            turn: Arc::new(Semaphore::new(1)),
            read: AtomicU64::new(0),
            small_read: AtomicU64::new(0),
            share: Share::new(Arc::clone(&memory.calls)),
            memory,
        })
    }

    /// Leave to make a message, if messages need not go one by one.
    pub(super) fn try_enter(&self) -> Option<Leave> {
        (self.pace() == Pace::AtOnce).then(Leave::default)
    }

    /// Waits for leave to make a message. Dropping it loses the place in the line.
    pub(super) async fn enter(self: Arc<Self>) -> Leave {
        loop {
            let (room, relief) = (self.room.notified(), self.memory.untaken.relief.notified());
            tokio::pin!(room, relief);
            room.as_mut().enable();
            relief.as_mut().enable();
            let pace = self.pace();
            if pace == Pace::AtOnce {
                return Leave::default();
            }
            tokio::select! {
                turn = Arc::clone(&self.turn).acquire_owned(), if pace == Pace::OneByOne => {
                    // The message before it may have been one too many.
                    if self.pace() != Pace::NotNow {
                        return Leave(turn.ok());
                    }
                }
                () = room => {}
                () = relief => {}
            }
        }
    }

    fn pace(&self) -> Pace {
        let answers = self.answers.load(Ordering::Acquire);
        if answers <= ALWAYS {
            return Pace::AtOnce;
        }
        match self.memory.untaken.is_too_much() {
            true if answers > SHORT_OF_MEMORY => Pace::NotNow,
            false if answers <= MOST => Pace::AtOnce,
            _ => Pace::OneByOne,
        }
    }

    /// Bytes of requests that handlers have read so far.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Small pieces of requests that h2 keeps no more, as [`WireFacts`](crate::http2::wire::WireFacts) counts those that
    /// it was given.
    pub(super) fn small_read(&self) -> u64 {
        self.small_read.load(Ordering::Relaxed)
    }

    /// Sets it right: of pieces whose call was cancelled before anybody saw it, nobody learns that they are gone.
    pub(super) fn set_small_read(&self, count: u64) {
        self.small_read.store(count, Ordering::Relaxed);
    }

    pub(super) fn on_small_read(&self) {
        self.small_read.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn on_read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// What the connection's requests take of the server's memory.
    pub(super) fn share(&self) -> &Arc<Share> {
        &self.share
    }

    /// What waits for the client, in bytes.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.answers.load(Ordering::Acquire)
    }

    pub(super) fn add(&self, count: usize) {
        let before = self.answers.fetch_add(count, Ordering::AcqRel);
        let beyond = beyond(before + count) - beyond(before);
        if beyond > 0 {
            self.memory.untaken.add(beyond);
        }
    }

    pub(super) fn give_back(&self, count: usize) {
        let before = self.answers.fetch_sub(count, Ordering::AcqRel);
        let now = before.saturating_sub(count);
        let beyond = beyond(before) - beyond(now);
        if beyond > 0 {
            self.memory.untaken.give_back(beyond);
        }
        if [ALWAYS, SHORT_OF_MEMORY, MOST].iter().any(|much| before > *much && now <= *much) {
            self.room.notify_waiters();
        }
    }
}

fn beyond(answers: usize) -> usize {
    answers.saturating_sub(ALWAYS)
}

impl Leave {
    /// Whether others wait until it is dropped.
    pub(super) fn is_a_turn(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use bytes::Bytes;

    use super::super::counted::Counted;
    use super::*;

    const LIMIT: usize = 256 << 10;

    fn memory() -> Arc<Memory> {
        Arc::new(Memory::new(8 * LIMIT))
    }

    /// Two connections of one server.
    fn two() -> (Arc<Traffic>, Arc<Traffic>) {
        let memory = memory();
        (Traffic::new(Arc::clone(&memory)), Traffic::new(memory))
    }

    fn answer(length: usize, traffic: &Arc<Traffic>) -> Counted {
        Counted::new(Bytes::from(vec![0; length]), Leave::default(), traffic)
    }

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Streams that their reader has put aside stop nobody, as long as there is memory.
    #[test]
    fn calls_begin_whatever_waits_while_there_is_memory() {
        let traffic = Traffic::new(memory());
        let aside: Vec<_> = (0..5).map(|_| answer(ALWAYS, &traffic)).collect();
        assert_eq!(traffic.waiting(), ALWAYS + LIMIT);
        assert!(traffic.try_enter().is_some());
        let _more = answer(1, &traffic);
        assert!(traffic.try_enter().is_none());
        drop(aside);
        assert!(traffic.try_enter().is_some());
    }

    #[test]
    fn however_much_memory_there_is_one_connection_holds_a_part() {
        let traffic = Traffic::new(Arc::new(Memory::new(usize::MAX)));
        let aside = answer(MOST, &traffic);
        assert!(traffic.try_enter().is_some());
        let more = answer(1, &traffic);
        assert!(traffic.try_enter().is_none());
        let (mut turn, mut waiting) =
            (pin!(Arc::clone(&traffic).enter()), pin!(Arc::clone(&traffic).enter()));
        let Poll::Ready(_turn) = poll(turn.as_mut()) else { panic!("nobody is before it") };
        assert!(poll(waiting.as_mut()).is_pending());
        drop(more);
        assert!(poll(waiting.as_mut()).is_ready());
        drop(aside);
    }

    #[test]
    fn whoever_holds_little_is_not_stopped_by_those_who_hold_much() {
        let (greedy, modest) = two();
        let _much = answer(ALWAYS + LIMIT + 1, &greedy);
        let _little = answer(ALWAYS, &modest);
        assert!(greedy.try_enter().is_none());
        assert!(modest.try_enter().is_some());
    }

    /// A client that reads, beside streams that it has put aside, is served also when memory is short.
    #[test]
    fn when_memory_is_short_one_message_follows_the_other() {
        let (traffic, other) = two();
        let (_aside, _others) = (answer(2 * ALWAYS, &traffic), answer(ALWAYS + LIMIT, &other));
        let (mut first, mut second) =
            (pin!(Arc::clone(&traffic).enter()), pin!(Arc::clone(&traffic).enter()));
        let Poll::Ready(leave) = poll(first.as_mut()) else { panic!("nobody is before it") };
        assert!(leave.is_a_turn());
        let mut message = Counted::new(Bytes::from_static(b"message"), leave, &traffic);
        let part = message.split_to(3);
        drop(part);
        assert!(poll(second.as_mut()).is_pending(), "only a part of the message was taken");
        let rest = message.split_to(9);
        drop(message);
        assert!(poll(second.as_mut()).is_pending());
        drop(rest);
        assert!(matches!(poll(second.as_mut()), Poll::Ready(leave) if leave.is_a_turn()));
    }

    #[test]
    fn when_memory_is_short_whoever_holds_much_gets_nothing() {
        let (traffic, other) = two();
        let (_aside, one) = (answer(SHORT_OF_MEMORY - 600, &traffic), answer(601, &traffic));
        let others = answer(ALWAYS + LIMIT, &other);
        let mut waiting = pin!(Arc::clone(&traffic).enter());
        assert!(poll(waiting.as_mut()).is_pending());
        drop(one);
        assert!(matches!(poll(waiting.as_mut()), Poll::Ready(leave) if leave.is_a_turn()));
        let _more = answer(601, &traffic);
        let mut waiting = pin!(Arc::clone(&traffic).enter());
        assert!(poll(waiting.as_mut()).is_pending());
        drop(others);
        assert!(matches!(poll(waiting.as_mut()), Poll::Ready(leave) if !leave.is_a_turn()));
    }

    /// The message before the next one may have been one too many.
    #[test]
    fn a_turn_that_comes_too_late_is_none() {
        let (traffic, other) = two();
        let (_aside, _others) = (answer(2 * ALWAYS, &traffic), answer(ALWAYS + LIMIT, &other));
        let (mut first, mut second) =
            (pin!(Arc::clone(&traffic).enter()), pin!(Arc::clone(&traffic).enter()));
        let Poll::Ready(turn) = poll(first.as_mut()) else { panic!("nobody is before it") };
        assert!(poll(second.as_mut()).is_pending());
        let _message = answer(SHORT_OF_MEMORY, &traffic);
        drop(turn);
        assert!(poll(second.as_mut()).is_pending());
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_room_on_its_connection_and_by_relief_anywhere() {
        for is_own in [true, false] {
            let (traffic, other) = two();
            let (_own, mut one) = (answer(ALWAYS - 512, &traffic), Some(answer(513, &traffic)));
            let mut others = Some(answer(ALWAYS + LIMIT, &other));
            assert!(traffic.try_enter().is_none());
            let holder = Arc::clone(&traffic).enter().await;
            assert!(holder.is_a_turn());
            let waiting = [traffic.clone(), traffic.clone()].map(|traffic| tokio::spawn(traffic.enter()));
            tokio::task::yield_now().await;
            assert!(!waiting.iter().any(tokio::task::JoinHandle::is_finished));
            if is_own {
                drop(one.take());
            } else {
                drop(others.take());
            }
            for waiting in waiting {
                assert!(!waiting.await.unwrap().is_a_turn());
            }
        }
    }
}
