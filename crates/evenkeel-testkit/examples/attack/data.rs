//! Requests that go on and on.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use crate::wire::{DATA, Wire, put};

/// The head of a message of 4 MB less one byte.
const LONG_MESSAGE: [u8; 5] = [0, 0, 0x3f, 0xff, 0xff];
/// How much of it is sent: everything but its last byte.
const ALMOST: i64 = 0x3f_ffff + 5 - 1;

struct Call {
    stream: u32,
    sent: i64,
}

/// DATA of `chunk` bytes on 100 calls in turn, as far as the windows go. To a stalled handler go empty messages (five
/// zero bytes), each with an answer that it cannot send; to the other one long message that never ends.
pub(crate) async fn drip(wire: &mut Wire, stalled: bool, chunk: usize) -> io::Result<()> {
    let mut out = Vec::new();
    let mut calls: Vec<Call> =
        (0..wire.room().min(100)).map(|_| Call { stream: wire.put_call(&mut out, 0), sent: 0 }).collect();
    wire.send(&out).await?;
    let mut sent_in_all = 0;
    loop {
        let mut out = Vec::new();
        for call in &mut calls {
            let room = (wire.peer.window(0) - sent_in_all).min(wire.peer.window(call.stream) - call.sent);
            let room = if stalled { room } else { room.min(ALMOST - call.sent) };
            let length = (chunk as i64).min(room);
            if chunk > 0 && length <= 0 {
                continue;
            }
            let mut payload = vec![0; length.max(0) as usize];
            if !stalled && call.sent == 0 && payload.len() >= LONG_MESSAGE.len() {
                payload[..LONG_MESSAGE.len()].copy_from_slice(&LONG_MESSAGE);
            }
            put(&mut out, DATA, 0, call.stream, &payload);
            call.sent += payload.len() as i64;
            sent_in_all += payload.len() as i64;
        }
        if out.is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        wire.send(&out).await?;
    }
}
