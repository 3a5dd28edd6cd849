//! An attacker's connection: frames written as bytes (RFC 9113), with nothing that keeps its rules.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;

pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
pub(crate) const PRIORITY: u8 = 0x2;
pub(crate) const RST_STREAM: u8 = 0x3;
pub(crate) const SETTINGS: u8 = 0x4;
pub(crate) const PING: u8 = 0x6;
pub(crate) const WINDOW_UPDATE: u8 = 0x8;
pub(crate) const CONTINUATION: u8 = 0x9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

/// How a connection begins.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// SETTINGS_INITIAL_WINDOW_SIZE, and for the largest one the connection's window too.
    pub(crate) window: u32,
    /// Whether anything is read after the server's SETTINGS.
    pub(crate) reads: bool,
}

/// The largest window (RFC 9113 §6.9.1).
pub(crate) const OPEN: u32 = (1 << 31) - 1;
/// What a client that says nothing has.
pub(crate) const PLAIN: u32 = 65_535;

/// What the server has said so far.
#[derive(Default)]
pub(crate) struct Peer {
    max_streams: AtomicU32,
    initial_window: AtomicU32,
    /// Streams that the server has ended or reset.
    ended: AtomicU32,
    gained: Mutex<HashMap<u32, i64>>,
    closed: AtomicBool,
}

/// One connection. Dropping it closes it.
pub(crate) struct Wire {
    write: OwnedWriteHalf,
    // Kept without being read: the kernel's buffers fill, and the server's writes wait.
    _unread: Option<OwnedReadHalf>,
    reader: Option<JoinHandle<()>>,
    pub(crate) peer: Arc<Peer>,
    path: &'static str,
    next: u32,
}

pub(crate) fn put(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

impl Wire {
    /// Connects, and exchanges SETTINGS.
    pub(crate) async fn open(to: SocketAddr, path: &'static str, manner: Manner) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if !manner.reads && manner.window == OPEN {
            // What the kernel takes off the server's hands would hide what the server keeps.
            socket.set_recv_buffer_size(4096)?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        let (mut read, mut write) = stream.into_split();
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let mut settings = vec![0, 4];
        settings.extend_from_slice(&manner.window.to_be_bytes());
        put(&mut hello, SETTINGS, 0, 0, &settings);
        if manner.window == OPEN {
            put(&mut hello, WINDOW_UPDATE, 0, 0, &(OPEN - PLAIN).to_be_bytes());
        }
        write.write_all(&hello).await?;
        let peer = Arc::new(Peer::default());
        peer.max_streams.store(u32::MAX, Ordering::Relaxed);
        peer.initial_window.store(PLAIN, Ordering::Relaxed);
        let (head, payload) = read_frame(&mut read).await?;
        peer.take(head, &payload);
        let mut ack = Vec::new();
        put(&mut ack, SETTINGS, 1, 0, &[]);
        write.write_all(&ack).await?;
        let (unread, reader) = if manner.reads {
            (None, Some(tokio::spawn(read_all(read, Arc::clone(&peer)))))
        } else {
            (Some(read), None)
        };
        Ok(Self { write, _unread: unread, reader, peer, path, next: 1 })
    }

    /// Adds HEADERS of a new call to `out`; returns its stream.
    pub(crate) fn put_call(&mut self, out: &mut Vec<u8>, flags: u8) -> u32 {
        self.put_call_with(out, flags, &[])
    }

    /// The same with more fields.
    pub(crate) fn put_call_with(&mut self, out: &mut Vec<u8>, flags: u8, fields: &[u8]) -> u32 {
        let mut block = request_block(self.next == 1, self.path);
        block.extend_from_slice(fields);
        let stream = self.next;
        self.next += 2;
        put(out, HEADERS, flags | END_HEADERS, stream, &block);
        stream
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.peer.closed.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.write.write_all(bytes).await
    }

    /// How many calls more the server's SETTINGS_MAX_CONCURRENT_STREAMS allows now.
    pub(crate) fn room(&self) -> u32 {
        let open = (self.next / 2).saturating_sub(self.peer.ended.load(Ordering::Relaxed));
        self.peer.max_streams.load(Ordering::Relaxed).saturating_sub(open)
    }

    /// Whether it reads nothing.
    pub(crate) fn is_deaf(&self) -> bool {
        self.reader.is_none()
    }

    /// Keeps the connection until the server ends it.
    pub(crate) async fn hold(&self) -> io::Result<()> {
        while !self.peer.closed.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

impl Peer {
    /// The window that the server has given to `stream` in all, 0 for the connection.
    pub(crate) fn window(&self, stream: u32) -> i64 {
        let start = if stream == 0 { PLAIN } else { self.initial_window.load(Ordering::Relaxed) };
        let gained = self.gained.lock().unwrap_or_else(PoisonError::into_inner);
        i64::from(start) + gained.get(&stream).copied().unwrap_or(0)
    }

    fn take(&self, (kind, flags, stream): (u8, u8, u32), payload: &[u8]) {
        match kind {
            SETTINGS => {
                for entry in payload.chunks_exact(6) {
                    let value = number(&entry[2..]);
                    match entry[1] {
                        3 => self.max_streams.store(value, Ordering::Relaxed),
                        4 => self.initial_window.store(value, Ordering::Relaxed),
                        _ => {}
                    }
                }
            }
            WINDOW_UPDATE => {
                let mut gained = self.gained.lock().unwrap_or_else(PoisonError::into_inner);
                *gained.entry(stream).or_default() += i64::from(number(payload));
            }
            RST_STREAM => _ = self.ended.fetch_add(1, Ordering::Relaxed),
            DATA | HEADERS if flags & END_STREAM != 0 => _ = self.ended.fetch_add(1, Ordering::Relaxed),
            // GOAWAY among them: a graceful one lets calls go on, and an error's is followed by the end.
            _ => {}
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

async fn read_all(mut read: OwnedReadHalf, peer: Arc<Peer>) {
    while let Ok((head, payload)) = read_frame(&mut read).await {
        peer.take(head, &payload);
    }
    peer.closed.store(true, Ordering::Relaxed);
}

async fn read_frame(read: &mut OwnedReadHalf) -> io::Result<((u8, u8, u32), Vec<u8>)> {
    let mut head = [0; 9];
    read.read_exact(&mut head).await?;
    let mut payload = vec![0; number(&[0, head[0], head[1], head[2]]) as usize];
    read.read_exact(&mut payload).await?;
    Ok(((head[3], head[4], number(&head[5..]) & OPEN), payload))
}

/// A request's header block (RFC 7541). The first one on a connection puts its fields into the server's table, so that
/// each later one is six bytes.
fn request_block(first: bool, path: &str) -> Vec<u8> {
    // Static entries 3 and 6 (POST, http), then the dynamic ones from the oldest.
    let mut block = vec![0x83, 0x86];
    if !first {
        block.extend_from_slice(&[0xc1, 0xc0, 0xbf, 0xbe]);
        return block;
    }
    let fields =
        [(":authority", "school"), (":path", path), ("te", "trailers"), ("content-type", "application/grpc")];
    for (name, value) in fields {
        block.push(0x40);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}
