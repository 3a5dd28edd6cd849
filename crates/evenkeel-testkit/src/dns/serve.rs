//! The sockets of the scripted server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::wire::Question;
use super::{State, Transport};

/// A UDP and a TCP socket on one port: the address's, or any that is free if that is 0.
pub(super) async fn bind(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = io::ErrorKind::AddrInUse.into();
    // A port that is free for UDP may be taken for TCP: draw again.
    for _ in 0..32 {
        let udp = UdpSocket::bind(address).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub(super) async fn serve(udp: UdpSocket, tcp: TcpListener, state: Arc<State>) {
    let udp = Arc::new(udp);
    // Dropped with this future: that ends whatever is still being answered.
    let mut answering = JoinSet::new();
    let mut buffer = vec![0; 65_535];
    loop {
        tokio::select! {
            received = udp.recv_from(&mut buffer) => {
                let Ok((length, peer)) = received else { continue };
                let Some(question) = Question::parse(&buffer[..length]) else { continue };
                let (udp, state) = (udp.clone(), state.clone());
                let reply = take_note(&state, &question, Transport::Udp);
                answering.spawn(async move {
                    tokio::time::sleep(reply.delay()).await;
                    if let Some(bytes) = reply.encode(&question, true) {
                        let _ = udp.send_to(&bytes, peer).await;
                    }
                });
            }
            accepted = tcp.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let state = state.clone();
                answering.spawn(async move {
                    let _ = converse(stream, &state).await;
                });
            }
            Some(_) = answering.join_next() => {}
        }
    }
}

async fn converse(mut stream: TcpStream, state: &State) -> io::Result<()> {
    loop {
        let mut message = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut message).await?;
        let Some(question) = Question::parse(&message) else { continue };
        let reply = take_note(state, &question, Transport::Tcp);
        tokio::time::sleep(reply.delay()).await;
        if reply.hangs_up(&question) {
            return Ok(());
        }
        if let Some(bytes) = reply.encode(&question, false) {
            let length = (bytes.len() as u16).to_be_bytes();
            stream.write_all(&[&length, &bytes[..]].concat()).await?;
        }
    }
}

fn take_note(state: &State, question: &Question, transport: Transport) -> super::Reply {
    let query = question.to_query(transport);
    let reply = state.reply(&query.name, query.record_type);
    state.queries.send_modify(|queries| queries.push(query));
    reply
}
