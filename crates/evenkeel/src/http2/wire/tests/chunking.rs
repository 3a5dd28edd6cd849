//! However bytes are cut, the same frames go through, and the same is learnt of them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use proptest::prelude::*;
use tokio::io::AsyncWrite;

use super::{PREFACE, Socket, client, cx, frame, read_all, server, write};
use crate::http2::wire::settings::replace_setting;
use crate::http2::wire::{Wire, WireControl, WireFacts};

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

/// What comes out, and everything the facts say, after `bytes` went through in chunks of these sizes: in one direction
/// each, since what is written decides about what is read.
fn through(make: Make, bytes: &[u8], sizes: &[usize]) -> (Vec<u8>, Vec<u8>, String) {
    let (from, to) = (Socket::open(), Socket::open());
    let (mut reading, _control, read) = make(from.clone());
    let (mut writing, mut control, written) = make(to.clone());
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
        from.with(|s| s.reads.push_back(chunk.clone()));
        to.with(|s| s.takes.extend(sizes));
        read_back.extend(read_all(&mut reading, sizes[i % sizes.len()]));
        assert_eq!(write(&mut writing, &chunk), Poll::Ready(chunk.len()));
        assert!(control.poll_drain(&mut cx()).is_ready());
    }
    assert!(Pin::new(&mut writing).poll_shutdown(&mut cx()).is_ready());
    let said = format!(
        "{} {:?} {:?} {} {} {} {} {}",
        read.settings_received(),
        read.goaway(),
        written.goaway_written_last_id(),
        written.highest_headers_started(),
        read.peer_pings(),
        read.peer_ping_acks(),
        read.bytes_read(),
        written.bytes_written(),
    );
    (read_back, to.written(), said)
}

/// What the bytes are to whoever reads them: frames, DATA of one stream that stand side by side taken together, those
/// that HTTP/2 ignores left out. Whether trailers end their stream is left out, too: a server sees to it that long ones
/// do not.
fn meaning(mut bytes: &[u8]) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut frames: Vec<(u8, u8, u32, Vec<u8>)> = Vec::new();
    bytes = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    let mut newest = 0;
    while let [l0, l1, l2, kind, flags, s0, s1, s2, s3, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *l0, *l1, *l2]) as usize;
        let stream = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
        let (payload, later) = rest.split_at(length.min(rest.len()));
        bytes = later;
        let is_trailers = *kind == 1 && stream <= newest;
        newest = if *kind == 1 { stream.max(newest) } else { newest };
        let flags = &(if is_trailers { flags & !1 } else { *flags });
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
