use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::settings::replace_setting;
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

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let one = (0_u8..12, any::<u8>(), 0_u32..50, prop::collection::vec(any::<u8>(), 0..60));
    prop::collection::vec(one, 0..20).prop_map(|frames| {
        frames.into_iter().flat_map(|(kind, flags, id, payload)| frame(kind, flags, id, &payload)).collect()
    })
}

/// One of the two sides, after its preface.
type Make = fn(Socket) -> (Wire<Socket>, WireControl<Socket>, Arc<WireFacts>);

fn client_past_its_preface(socket: Socket) -> (Wire<Socket>, WireControl<Socket>, Arc<WireFacts>) {
    let (mut wire, mut control, facts) = client(socket.clone());
    assert!(write(&mut wire, PREFACE).is_ready());
    assert!(control.poll_drain(&mut cx()).is_ready());
    socket.with(|s| s.writes.clear());
    (wire, control, facts)
}

/// What goes out of `bytes`: SETTINGS say what the program takes.
fn with_our_settings(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some([l0, l1, l2, kind, flags, ..]) = out.get(at..at + 9) {
        let (length, kind, flags) = (u32::from_be_bytes([0, *l0, *l1, *l2]) as usize, *kind, *flags);
        let end = (at + 9 + length).min(out.len());
        if kind == 4 && flags & 1 == 0 && length <= 64 {
            replace_setting(&mut out[at + 9..end], 6, 16_384);
        }
        at = end;
    }
    out
}

/// Everything the facts say, after `bytes` went through in both directions in chunks of these sizes.
fn through(make: Make, bytes: &[u8], sizes: &[usize]) -> (Vec<u8>, Vec<u8>, String) {
    let socket = Socket::open();
    let (mut wire, mut control, facts) = make(socket.clone());
    let mut chunks = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, later) = rest.split_at((*size).min(rest.len()));
        chunks.push(chunk.to_vec());
        rest = later;
    }
    let mut read_back = Vec::new();
    for (i, chunk) in chunks.into_iter().enumerate() {
        socket.with(|s| {
            s.reads.push_back(chunk.clone());
            s.takes.extend(sizes);
        });
        read_back.extend(read_all(&mut wire, sizes[i % sizes.len()]));
        assert_eq!(write(&mut wire, &chunk), Poll::Ready(chunk.len()));
        assert!(control.poll_drain(&mut cx()).is_ready());
    }
    assert!(Pin::new(&mut wire).poll_shutdown(&mut cx()).is_ready());
    let said = format!(
        "{} {:?} {:?} {} {} {} {} {}",
        facts.settings_received(),
        facts.goaway(),
        facts.goaway_written_last_id(),
        facts.highest_headers_started(),
        facts.peer_pings(),
        facts.peer_ping_acks(),
        facts.bytes_read(),
        facts.bytes_written(),
    );
    (read_back, socket.written(), said)
}

/// What the bytes are to whoever reads them: frames, DATA of one stream that stand side by side taken together, those
/// that HTTP/2 ignores left out.
fn meaning(mut bytes: &[u8]) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut frames: Vec<(u8, u8, u32, Vec<u8>)> = Vec::new();
    bytes = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    while let [l0, l1, l2, kind, flags, s0, s1, s2, s3, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *l0, *l1, *l2]) as usize;
        let stream = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
        let (payload, later) = rest.split_at(length.min(rest.len()));
        bytes = later;
        let nothing = *kind == 0xff || (*kind == 0 && length == 0 && flags & 9 == 0);
        match frames.last_mut() {
            _ if nothing => {}
            Some((0, before, id, data))
                if *kind == 0 && *id == stream && *before & 9 == 0 && flags & 8 == 0 =>
            {
                *before |= flags & 1;
                data.extend(payload);
            }
            _ => frames.push((*kind, *flags, stream, payload.to_vec())),
        }
    }
    frames
}

#[test]
fn data_frames_that_arrive_side_by_side_become_one_and_empty_ones_nothing() {
    let socket = Socket::default();
    let (mut wire, _control, _) = client(socket.clone());
    let data = |stream, flags, payload: &[u8]| frame(0, flags, stream, payload);
    let bytes = [
        data(1, 0, b"a"),
        data(1, 0, b"b"),
        data(1, 1, b""),
        data(3, 0, b"c"),
        data(5, 0, b"d"),
        data(3, 0, b"e"),
        frame(6, 0, 0, &[9; 8]),
        data(3, 0, b"f"),
        data(3, 8, b"\0g"),
        data(3, 0, b""),
        data(3, 1, b"h"),
    ];
    socket.with(|s| s.reads.push_back(bytes.concat()));
    let expected = [
        data(1, 1, b"ab"),
        data(3, 0, b"c"),
        data(5, 0, b"d"),
        data(3, 0, b"e"),
        frame(6, 0, 0, &[9; 8]),
        data(3, 0, b"f"),
        data(3, 8, b"\0g"),
        frame(0xff, 0, 3, b""),
        data(3, 1, b"h"),
    ];
    assert_eq!(read(&mut wire, 4096).unwrap(), expected.concat());
}

#[test]
fn no_frame_gets_longer_than_everybody_takes() {
    let socket = Socket::default();
    let (mut wire, _control, _) = client(socket.clone());
    let frames = [frame(0, 0, 1, &[1; 9000]), frame(0, 0, 1, &[2; 7384]), frame(0, 0, 1, &[3; 1])];
    socket.with(|s| s.reads.push_back(frames.concat()));
    let expected = [frame(0, 0, 1, &[&[1; 9000][..], &[2; 7384]].concat()), frame(0, 0, 1, &[3; 1])];
    assert!(read(&mut wire, 65_536).unwrap() == expected.concat());
}

/// A header cut in two is put together before it is judged, wherever the cut is; at the end nothing is lost.
#[test]
fn an_empty_frame_is_nothing_however_it_is_cut() {
    for cut in 1..9 {
        let socket = Socket::default();
        let (mut wire, _control, _) = client(socket.clone());
        let empty = frame(0, 0, 1, b"");
        socket
            .with(|s| s.reads.extend([empty[..cut].to_vec(), empty[cut..].to_vec(), empty[..cut].to_vec()]));
        assert_eq!(read_all(&mut wire, 4096), frame(0xff, 0, 1, b""), "{cut}");
        socket.with(|s| s.reads.push_back(Vec::new()));
        assert_eq!(read(&mut wire, 4096).unwrap(), empty[..cut], "the end of the stream gives out the rest");
        socket.with(|s| s.reads.push_back(Vec::new()));
        assert!(read(&mut wire, 4096).unwrap().is_empty());
    }
}

#[test]
fn a_server_says_nothing_before_it_knows_that_its_client_speaks_http2() {
    let socket = Socket::open();
    let (mut wire, mut control, facts) = Wire::server(socket.clone(), 16_384);
    assert!(write(&mut wire, &frame(4, 0, 0, &[])).is_ready());
    assert!(control.poll_drain(&mut cx()).is_pending());
    socket.with(|s| s.reads.push_back(PREFACE[..20].to_vec()));
    read_all(&mut wire, 4096);
    assert!(control.poll_drain(&mut cx()).is_pending());
    socket.with(|s| s.reads.push_back(PREFACE[20..].to_vec()));
    read_all(&mut wire, 4096);
    assert!(control.poll_drain(&mut cx()).is_ready());
    assert_eq!(socket.written(), frame(4, 0, 0, &[]));
    assert_eq!(facts.foreign(), None);
}

#[test]
fn settings_say_what_the_program_takes_and_what_the_peer_takes_is_known() {
    for split in 0..30 {
        let socket = Socket::open();
        let (mut wire, mut control, facts) = server(socket.clone());
        let ours = frame(4, 0, 0, &[0, 3, 0, 0, 0, 7, 0, 6, 0, 0x10, 0, 0]);
        for part in [&ours[..split.min(21)], &ours[split.min(21)..]] {
            assert!(write(&mut wire, part).is_ready());
        }
        assert!(control.poll_drain(&mut cx()).is_ready());
        assert_eq!(socket.written(), frame(4, 0, 0, &[0, 3, 0, 0, 0, 7, 0, 6, 0, 0, 0x40, 0]));
        assert_eq!(facts.peer_max_header_list(), u32::MAX);
        let theirs = frame(4, 0, 0, &[0, 6, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0]);
        socket.with(|s| s.reads.extend([theirs[..split.min(21)].to_vec(), theirs[split.min(21)..].to_vec()]));
        read_all(&mut wire, 4096);
        assert_eq!(facts.peer_max_header_list(), 9);
    }
}

#[test]
fn a_turn_ends_after_so_many_frames_and_the_next_one_needs_a_peer_that_listens() {
    let socket = Socket::default();
    let (mut wire, mut control, facts) = server(socket.clone());
    control.limit_frames_a_turn();
    let call = [frame(1, 4, 1, b"x"), frame(3, 0, 1, &[0; 4])].concat();
    let more = || socket.with(|s| s.reads.push_back(call.repeat(70)));
    more();
    more();
    assert_eq!(read(&mut wire, 4096).unwrap().len(), 70 * call.len());
    assert_eq!(read(&mut wire, 4096), None, "the turn is over");
    // What we say is taken: on it goes.
    control.start_turn(true);
    assert!(read(&mut wire, 4096).is_some());
    assert!(write(&mut wire, &frame(3, 0, 1, &[0, 0, 0, 1])).is_ready());
    assert!(control.poll_drain(&mut cx()).is_pending());
    control.start_turn(false);
    more();
    assert_eq!(read(&mut wire, 4096), None, "the peer does not listen");
    socket.with(|s| s.takes.push_back(1));
    assert!(control.poll_drain(&mut cx()).is_pending());
    control.start_turn(false);
    assert!(read(&mut wire, 4096).is_some(), "it does, if slowly");
    assert_eq!((facts.peer_resets(), facts.fault_resets()), (210, 1));
}

#[test]
fn a_header_block_without_an_end_is_measured() {
    let socket = Socket::default();
    let (mut wire, _control, facts) = client(socket.clone());
    for (bytes, size) in [
        (frame(1, 0, 1, &[0; 100]), 100),
        (frame(9, 0, 1, &[0; 50]), 150),
        (frame(9, 4, 1, &[0; 50]), 0),
        (frame(1, 4, 3, &[0; 50]), 0),
    ] {
        socket.with(|s| s.reads.push_back(bytes));
        read_all(&mut wire, 4096);
        assert_eq!(facts.header_block(), size);
    }
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_frames_and_facts(
        bytes in frames(),
        sizes in prop::collection::vec(1_usize..40, 1..10),
    ) {
        for make in [client_past_its_preface as Make, server] {
            let (read, written, said) = through(make, &bytes, &sizes);
            prop_assert_eq!(meaning(&read), meaning(&bytes));
            prop_assert_eq!(written, with_our_settings(&bytes));
            prop_assert_eq!(said, through(make, &bytes, &[bytes.len().max(1)]).2);
        }
    }

    #[test]
    fn garbage_passes_as_the_garbage_that_it_is(
        bytes in prop::collection::vec(any::<u8>(), 1..300),
        sizes in prop::collection::vec(1_usize..40, 1..10),
    ) {
        for make in [client_past_its_preface as Make, server] {
            let (read, written, said) = through(make, &bytes, &sizes);
            prop_assert_eq!(meaning(&read), meaning(&bytes));
            prop_assert_eq!(written, with_our_settings(&bytes));
            prop_assert_eq!(said, through(make, &bytes, &[bytes.len()]).2);
        }
    }
}
