//! One TCP connection: two directions of segments on their way, two ends.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use fastrand::Rng;
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::{USER_TIMEOUT, Way};

/// What a sender may have under way or unread.
const BUFFER: usize = 256 << 10;
const SEGMENT: usize = 64 << 10;
/// After a restart, a host's old peers are heard of when they send something, or by their keepalive probes.
const PROBE_WITHIN: Duration = Duration::from_secs(5);

/// Which end of a connection: the one that dialled is 0.
pub(super) type Side = usize;

pub(super) struct Connection {
    ends: [End; 2],
    /// By the side that sends.
    directions: [Direction; 2],
}

struct End {
    address: SocketAddr,
    /// What reads and writes fail with.
    error: Option<ErrorKind>,
    /// Its program has closed it.
    closed: bool,
    /// Its host is gone and knows nothing of it any more.
    forgotten: bool,
    saw_end: bool,
}

struct Direction {
    segments: VecDeque<Segment>,
    buffered: usize,
    last: Instant,
    reader: Option<Waker>,
    writer: Option<Waker>,
    finished: bool,
    random: Rng,
}

struct Segment {
    sent: Instant,
    /// None while the way is cut.
    arrives: Option<Instant>,
    what: Part,
}

#[derive(PartialEq, Eq)]
enum Part {
    Data(Bytes),
    Fin,
    Reset,
}

/// What a read led to.
pub(super) enum Read {
    Done(io::Result<()>),
    /// There is something at that time.
    At(Instant),
    Wait,
}

impl Connection {
    pub(super) fn new(addresses: [SocketAddr; 2], seed: u64) -> Self {
        let direction = |side: u64| Direction {
            segments: VecDeque::new(),
            buffered: 0,
            last: Instant::now(),
            reader: None,
            writer: None,
            finished: false,
            random: Rng::with_seed(seed ^ (side << 63)),
        };
        let end = |address| End { address, error: None, closed: false, forgotten: false, saw_end: false };
        Self { ends: addresses.map(end), directions: [direction(0), direction(1)] }
    }

    pub(super) fn address(&self, side: Side) -> SocketAddr {
        self.ends[side].address
    }

    /// Whether neither end holds it any more.
    pub(super) fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.closed)
    }

    pub(super) fn is_between(&self, ip: IpAddr, other: Option<IpAddr>) -> bool {
        let [one, two] = [0, 1].map(|side| self.address(side).ip());
        match other {
            Some(other) => (one, two) == (ip, other) || (two, one) == (ip, other),
            None => one == ip || two == ip,
        }
    }

    pub(super) fn read(&mut self, side: Side, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Read {
        let end = &mut self.ends[side];
        if let Some(error) = end.error {
            return Read::Done(Err(error.into()));
        }
        if end.saw_end {
            return Read::Done(Ok(()));
        }
        let direction = &mut self.directions[1 - side];
        let arrives = direction.segments.front().and_then(|segment| segment.arrives);
        match arrives {
            Some(arrives) if arrives <= Instant::now() => {}
            other => {
                direction.reader = Some(cx.waker().clone());
                return other.map_or(Read::Wait, Read::At);
            }
        }
        match direction.segments.front_mut().map(|segment| &mut segment.what) {
            Some(Part::Data(data)) => {
                let length = data.len().min(buffer.remaining());
                buffer.put_slice(&data[..length]);
                data.advance(length);
                if data.is_empty() {
                    direction.segments.pop_front();
                }
                direction.buffered -= length;
                wake(&mut direction.writer);
                Read::Done(Ok(()))
            }
            Some(Part::Reset) => {
                self.directions[side].segments.clear();
                end.error = Some(ErrorKind::ConnectionReset);
                Read::Done(Err(ErrorKind::ConnectionReset.into()))
            }
            Some(Part::Fin) | None => {
                end.saw_end = true;
                Read::Done(Ok(()))
            }
        }
    }

    pub(super) fn write(
        &mut self,
        side: Side,
        cx: &mut Context<'_>,
        data: &[u8],
        [there, back]: [Way; 2],
    ) -> Poll<io::Result<usize>> {
        if let Some(error) = self.ends[side].error {
            return Poll::Ready(Err(error.into()));
        }
        let peer = &self.ends[1 - side];
        let (is_closed, is_forgotten) = (peer.closed, peer.forgotten);
        let direction = &mut self.directions[side];
        if direction.finished {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        if direction.buffered >= BUFFER {
            direction.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let length = data.len().min(SEGMENT);
        if is_forgotten {
            direction.buffered += length;
        } else if is_closed {
            // Nobody reads it: the peer's kernel answers with a reset.
            let arrives = there.arrival(&mut direction.random);
            let delay = back.delay(&mut direction.random);
            self.directions[1 - side].push(Part::Reset, arrives.map(|arrives| arrives + delay));
        } else {
            direction.buffered += length;
            let arrives = there.arrival(&mut direction.random);
            direction.push(Part::Data(Bytes::copy_from_slice(&data[..length])), arrives);
        }
        Poll::Ready(Ok(length))
    }

    /// Sends FIN, once.
    pub(super) fn finish(&mut self, side: Side, way: Way) {
        let direction = &mut self.directions[side];
        if !direction.finished && !self.ends[1 - side].forgotten {
            direction.finished = true;
            let arrives = way.arrival(&mut direction.random);
            direction.push(Part::Fin, arrives);
        }
    }

    /// The program closed it, or is gone. What it has not read makes the kernel send a reset.
    pub(super) fn close(&mut self, side: Side, way: Way) {
        self.ends[side].closed = true;
        let end = &self.ends[side];
        if end.forgotten || end.error.is_some() {
            return;
        }
        let now = Instant::now();
        let incoming = &mut self.directions[1 - side];
        let is_unread = incoming.segments.iter().any(|segment| {
            matches!(segment.what, Part::Data(_)) && segment.arrives.is_some_and(|at| at <= now)
        });
        incoming.segments.clear();
        incoming.buffered = 0;
        wake(&mut incoming.writer);
        if is_unread {
            let direction = &mut self.directions[side];
            direction.finished = true;
            let arrives = way.arrival(&mut direction.random);
            direction.push(Part::Reset, arrives);
        } else {
            self.finish(side, way);
        }
    }

    /// Both ends find it broken now.
    pub(super) fn fail(&mut self, error: ErrorKind) {
        for side in [0, 1] {
            let end = &mut self.ends[side];
            end.error = end.error.or(Some(error));
            wake(&mut self.directions[1 - side].reader);
            wake(&mut self.directions[side].writer);
        }
    }

    pub(super) fn on_host_gone(&mut self, ip: IpAddr) {
        for side in [0, 1] {
            if self.address(side).ip() == ip {
                self.ends[side].forgotten = true;
            }
        }
    }

    pub(super) fn reset_if_unknown(&mut self, ip: IpAddr) {
        for side in [0, 1] {
            let end = &self.ends[side];
            if end.address.ip() == ip && end.forgotten {
                let direction = &mut self.directions[side];
                let delay = PROBE_WITHIN.mul_f64(direction.random.f64());
                direction.push(Part::Reset, Some(Instant::now() + delay));
            }
        }
    }

    pub(super) fn on_way_changed(&mut self, from: IpAddr, to: IpAddr, way: Way) {
        if way.cut {
            return;
        }
        for side in [0, 1] {
            if (self.address(side).ip(), self.address(1 - side).ip()) == (from, to) {
                self.directions[side].on_repaired(way);
            }
        }
    }
}

impl Direction {
    fn push(&mut self, what: Part, arrives: Option<Instant>) {
        // In order: what comes behind a held segment is held with it.
        let is_held = self.segments.back().is_some_and(|segment| segment.arrives.is_none());
        let arrives = arrives.filter(|_| !is_held).map(|arrives| arrives.max(self.last));
        self.last = arrives.unwrap_or(self.last);
        self.segments.push_back(Segment { sent: Instant::now(), arrives, what });
        wake(&mut self.reader);
    }

    /// What was held goes out with its next retransmission.
    fn on_repaired(&mut self, way: Way) {
        let now = Instant::now();
        for segment in &mut self.segments {
            if segment.arrives.is_none() {
                let mut retransmission = Duration::from_millis(200);
                while segment.sent + retransmission < now {
                    retransmission = retransmission * 2 + Duration::from_millis(200);
                }
                let next = segment.sent + retransmission.min(USER_TIMEOUT);
                let arrives = next.max(now).max(self.last) + way.delay(&mut self.random);
                self.last = arrives;
                segment.arrives = Some(arrives);
            }
        }
        wake(&mut self.reader);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
