mod chunking;
mod inbound;

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{GATHER_LIMIT, Wire, WireControl, WireFacts};

const GOAWAY: u8 = 7;
const SHUTDOWN_ACK: [u8; 17] = [0, 0, 8, 6, 1, 0, 0, 0, 0, 0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54];

/// A socket that does what a test says: each read gives one chunk, each write takes as much as it is allowed.
#[derive(Debug, Default)]
struct Script {
    reads: VecDeque<Vec<u8>>,
    /// How much each next write takes; when none is left, `unlimited` decides.
    takes: VecDeque<usize>,
    unlimited: bool,
    writes: Vec<Vec<u8>>,
    shut_down: bool,
}

#[derive(Clone, Debug, Default)]
struct Socket(Arc<Mutex<Script>>);

impl Socket {
    fn open() -> Self {
        let socket = Self::default();
        socket.with(|s| s.unlimited = true);
        socket
    }

    fn with<T>(&self, f: impl FnOnce(&mut Script) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    fn written(&self) -> Vec<u8> {
        self.with(|s| s.writes.concat())
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|s| {
            let Some(mut chunk) = s.reads.pop_front() else { return Poll::Pending };
            let rest = chunk.split_off(chunk.len().min(buf.remaining()));
            if !rest.is_empty() {
                s.reads.push_front(rest);
            }
            buf.put_slice(&chunk);
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|s| {
            let n = match s.takes.pop_front() {
                Some(n) => n.min(bytes.len()),
                None if s.unlimited => bytes.len(),
                None => return Poll::Pending,
            };
            s.writes.push(bytes[..n].to_vec());
            Poll::Ready(Ok(n))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|s| s.shut_down = true);
        Poll::Ready(Ok(()))
    }
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn goaway(last_id: u32, code: u32, debug: &str) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[&last_id.to_be_bytes()[..], &code.to_be_bytes(), debug.as_bytes()].concat())
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn client(socket: Socket) -> (Wire<Socket>, WireControl<Socket>, Arc<WireFacts>) {
    Wire::client(socket, 16_384)
}

/// One that has read the client's preface: before that, it says nothing.
fn server(socket: Socket) -> (Wire<Socket>, WireControl<Socket>, Arc<WireFacts>) {
    let (mut wire, control, facts) = Wire::server(socket.clone(), 16_384);
    socket.with(|s| s.reads.push_front(PREFACE.to_vec()));
    assert_eq!(read(&mut wire, 24).unwrap(), PREFACE);
    (wire, control, facts)
}

fn write(wire: &mut Wire<Socket>, bytes: &[u8]) -> Poll<usize> {
    Pin::new(wire).poll_write(&mut cx(), bytes).map(Result::unwrap)
}

fn read(wire: &mut Wire<Socket>, room: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; room];
    let mut buf = ReadBuf::new(&mut bytes);
    match Pin::new(wire).poll_read(&mut cx(), &mut buf) {
        Poll::Ready(result) => {
            result.unwrap();
            Some(buf.filled().to_vec())
        }
        Poll::Pending => None,
    }
}

fn read_all(wire: &mut Wire<Socket>, room: usize) -> Vec<u8> {
    std::iter::from_fn(|| read(wire, room)).flatten().collect()
}

#[test]
fn writes_are_gathered_into_one() {
    let socket = Socket::open();
    let (mut wire, mut control, facts) = server(socket.clone());
    let frames: Vec<_> = (1..=3).map(|id| frame(0, 0, id, &[id as u8; 300])).collect();
    for frame in &frames {
        // h2's own pattern: the head in one write, the payload in the next.
        assert_eq!(write(&mut wire, &frame[..9]), Poll::Ready(9));
        assert_eq!(write(&mut wire, &frame[9..]), Poll::Ready(300));
        assert!(Pin::new(&mut wire).poll_flush(&mut cx()).is_ready());
    }
    assert_eq!(socket.with(|s| s.writes.len()), 0);
    assert!(control.poll_drain(&mut cx()).is_ready());
    assert_eq!(socket.with(|s| s.writes.clone()), [frames.concat()]);
    assert_eq!((facts.socket_writes(), facts.bytes_written()), (1, 3 * 309));
}

#[test]
fn what_a_stalled_peer_can_make_us_hold_is_bounded_and_order_is_kept() {
    let socket = Socket::default();
    let (mut wire, mut control, _) = server(socket.clone());
    let message: Vec<u8> = (0..300_000_u32).map(|i| i as u8).collect();
    let bytes = frame(0, 0, 1, &message);
    let mut sent = 0;
    while let Poll::Ready(n) = write(&mut wire, &bytes[sent..]) {
        sent += n;
        assert!(control.poll_drain(&mut cx()).is_pending());
    }
    assert_eq!(sent, GATHER_LIMIT);
    socket.with(|s| s.takes.extend([1, 1000, 7]));
    assert!(control.poll_drain(&mut cx()).is_pending());
    assert!(write(&mut wire, &bytes[sent..]).is_pending());
    socket.with(|s| s.unlimited = true);
    while sent < bytes.len() {
        let Poll::Ready(n) = write(&mut wire, &bytes[sent..]) else { panic!("the socket is open again") };
        sent += n;
    }
    assert!(control.poll_drain(&mut cx()).is_ready());
    assert!(socket.written() == bytes);
}

#[test]
fn a_writer_that_had_to_wait_is_woken_when_the_buffer_empties() {
    let socket = Socket::default();
    let (mut wire, mut control, _) = server(socket.clone());
    assert!(write(&mut wire, &frame(0, 0, 1, &[0; GATHER_LIMIT])).is_ready());
    assert!(write(&mut wire, b"more").is_pending());
    socket.with(|s| s.unlimited = true);
    let (waker, woken) = counting_waker();
    assert!(control.poll_drain(&mut Context::from_waker(&waker)).is_ready());
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
}

#[test]
fn shutdown_drains_first() {
    let socket = Socket::default();
    socket.with(|s| s.takes.extend([5]));
    let (mut wire, _control, _) = server(socket.clone());
    // The last frame is not whole: not a byte of it may be lost either.
    let bytes = [frame(0, 1, 1, b"last words"), vec![0, 0, 4]].concat();
    assert_eq!(write(&mut wire, &bytes), Poll::Ready(bytes.len()));
    assert!(Pin::new(&mut wire).poll_shutdown(&mut cx()).is_pending());
    assert!(!socket.with(|s| s.shut_down));
    socket.with(|s| s.unlimited = true);
    assert!(Pin::new(&mut wire).poll_shutdown(&mut cx()).is_ready());
    assert_eq!(socket.written(), bytes);
    assert!(socket.with(|s| s.shut_down));
}

#[test]
fn a_stream_has_started_when_its_frame_header_left_whole() {
    let socket = Socket::default();
    let (mut wire, mut control, facts) = client(socket.clone());
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let bytes =
        [preface.to_vec(), frame(1, 4, 1, b"abc"), frame(0, 1, 1, b"x"), frame(1, 4, 3, b"d")].concat();
    assert_eq!(write(&mut wire, &bytes), Poll::Ready(bytes.len()));
    for (take, started) in [(24 + 8, 0), (1, 1), (3 + 10 + 8, 1), (1, 3), (1, 3)] {
        socket.with(|s| s.takes.push_back(take));
        let _ = control.poll_drain(&mut cx());
        assert_eq!(facts.highest_headers_started(), started, "after {} bytes", socket.written().len());
    }
    assert_eq!(socket.written(), bytes);
}

#[test]
fn the_ack_waits_for_the_end_of_the_frame_that_is_arriving() {
    let socket = Socket::default();
    let (mut wire, control, facts) = client(socket.clone());
    let data = frame(0, 0, 1, &[7; 3000]);
    let next = frame(0, 1, 1, b"next");
    socket.with(|s| s.reads.push_back(data[..100].to_vec()));
    let mut seen = read_all(&mut wire, 4096);
    control.hand_in_shutdown_ack();
    assert_eq!(read(&mut wire, 4096), None, "in the middle of a frame nothing can be put in");
    // The rest comes with the frames after it in one go, as from a busy peer.
    socket.with(|s| s.reads.push_back([&data[100..], &next, &next].concat()));
    seen.extend(read_all(&mut wire, 4096));
    assert!(seen == [data, SHUTDOWN_ACK.to_vec(), next.clone(), next].concat());
    assert_eq!(facts.peer_ping_acks(), 0, "the peer sent none");
}

#[test]
fn the_ack_never_splits_a_header_block_and_survives_tiny_reads() {
    let socket = Socket::default();
    let (mut wire, control, _) = client(socket.clone());
    let open = frame(1, 0, 1, b"head");
    let rest = frame(9, 4, 1, b"ers");
    socket.with(|s| s.reads.push_back(open.clone()));
    let mut seen = read_all(&mut wire, 4096);
    control.hand_in_shutdown_ack();
    socket.with(|s| s.reads.push_back(rest.clone()));
    seen.extend(read_all(&mut wire, 5));
    assert_eq!(seen, [open, rest, SHUTDOWN_ACK.to_vec()].concat());
}

#[test]
fn handing_in_the_ack_wakes_the_reader() {
    let (mut wire, control, _) = client(Socket::default());
    let (waker, woken) = counting_waker();
    let mut bytes = [0; 64];
    let mut buf = ReadBuf::new(&mut bytes);
    let polled = Pin::new(&mut wire).poll_read(&mut Context::from_waker(&waker), &mut buf);
    assert!(polled.is_pending());
    control.hand_in_shutdown_ack();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert_eq!(read(&mut wire, 64).unwrap(), SHUTDOWN_ACK);
    assert_eq!(read(&mut wire, 64), None, "it is handed in once");
}

#[test]
fn goaway_text_is_put_in_by_one_side_and_read_by_the_other() {
    for split in 0..=30 {
        let ours = Socket::open();
        let (mut wire, mut control, facts) = server(ours.clone());
        control.set_goaway_debug(0, "max_age");
        let frames = [
            goaway(i32::MAX as u32, 0, ""),
            frame(6, 0, 0, &[9; 8]),
            goaway(5, 0, ""),
            goaway(5, 11, "calm"),
        ];
        let bytes = frames.concat();
        for part in [&bytes[..split], &bytes[split..]] {
            assert_eq!(write(&mut wire, part), Poll::Ready(part.len()));
            assert!(control.poll_drain(&mut cx()).is_ready());
        }
        assert_eq!(facts.goaway_written_last_id(), Some(5));
        let expected = [
            goaway(i32::MAX as u32, 0, "max_age"),
            frame(6, 0, 0, &[9; 8]),
            goaway(5, 0, "max_age"),
            goaway(5, 11, "calm"),
        ];
        assert_eq!(ours.written(), expected.concat());

        let theirs = Socket::default();
        theirs.with(|s| s.reads.extend(expected));
        let (mut wire, _control, facts) = client(theirs);
        assert!(!read(&mut wire, 4096).unwrap().is_empty());
        let first = facts.goaway().unwrap();
        assert_eq!((first.last_stream_id, first.code, &*first.debug), (i32::MAX as u32, 0, "max_age"));
        read_all(&mut wire, 4096);
        let last = facts.goaway().unwrap();
        assert_eq!((last.last_stream_id, last.code, &*last.debug), (5, 11, "calm"));
        assert_eq!(facts.goaway_last_id(), Some(5));
        assert_eq!(facts.peer_pings(), 1);
    }
}

#[test]
fn settings_count_when_whole_and_not_as_an_ack() {
    let socket = Socket::default();
    let (mut wire, _control, facts) = client(socket.clone());
    let settings = frame(4, 0, 0, &[0, 3, 0, 0, 0, 0]);
    socket.with(|s| s.reads.extend([frame(4, 1, 0, &[]), settings[..14].to_vec()]));
    read_all(&mut wire, 4096);
    assert!(!facts.settings_received());
    socket.with(|s| s.reads.push_back(settings[14..].to_vec()));
    read_all(&mut wire, 4096);
    assert!(facts.settings_received());
}

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counting_waker() -> (Waker, Arc<Count>) {
    let count = Arc::new(Count::default());
    (count.clone().into(), count)
}
