//! What comes in: changed where h2 would take it amiss, measured, and held back.

use super::{PREFACE, Socket, client, cx, frame, read, read_all, server, write};
use crate::http2::wire::Wire;

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

#[test]
fn what_comes_for_streams_that_nobody_reads_is_kept_from_h2_and_given_back() {
    let socket = Socket::open();
    let (mut wire, mut control, facts) = server(socket.clone());
    // Two frames, and a header block: nothing may be put into the middle of it.
    let out = [frame(3, 0, 5, &[0, 0, 0, 8]), frame(1, 0, 7, b"head"), frame(9, 4, 7, b"end")];
    let cut = out[0].len() + out[1].len();
    let out = out.concat();
    assert!(write(&mut wire, &out[..cut]).is_ready());
    facts.unread().add(3);
    let late = |stream| frame(0, 0, stream, &[7; 200]);
    let kept = [late(9), frame(0, 1, 3, &[7; 200]), frame(0, 0, 5, &[7; 256])].concat();
    let bytes = [[late(3), late(5)].concat().repeat(21), kept.clone()].concat();
    socket.with(|s| s.reads.push_back(bytes));
    assert_eq!(read_all(&mut wire, 65_536), kept);
    assert!(control.poll_drain(&mut cx()).is_ready());
    assert_eq!(socket.written(), out[..cut]);
    assert!(write(&mut wire, &out[cut..]).is_ready());
    assert!(control.poll_drain(&mut cx()).is_ready());
    let given_back = frame(8, 0, 0, &(42 * 200_u32).to_be_bytes());
    assert_eq!(socket.written(), [out, given_back].concat());
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
