//! The kernel's own list of TCP sockets (`/proc/net/tcp`, IPv4, Linux).

use std::net::{Ipv4Addr, SocketAddr};

/// What the kernel says about one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSocketRow {
    /// The local address.
    pub local: SocketAddr,
    /// The peer's address; port 0 for a listener.
    pub remote: SocketAddr,
    /// The state.
    pub state: TcpState,
    /// Bytes that nobody has read; for a listener, connections that nobody has accepted.
    pub receive_queue: u32,
}

/// The states that tests ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpState {
    /// Connected.
    Established,
    /// A connection attempt without an answer.
    SynSent,
    /// A listener.
    Listen,
    /// Any other.
    Other,
}

impl TcpSocketRow {
    /// Whether it listens at `address`.
    pub fn is_listener(&self, address: SocketAddr) -> bool {
        self.state == TcpState::Listen && self.local == address
    }
}

/// All IPv4 TCP sockets of this process's network namespace; none where the kernel keeps no such list.
pub fn tcp() -> Vec<TcpSocketRow> {
    parse(&std::fs::read_to_string("/proc/net/tcp").unwrap_or_default())
}

/// Reads a list in the form of `/proc/net/tcp`; `/proc/<pid>/net/tcp` has it for another process's namespace.
pub fn parse(list: &str) -> Vec<TcpSocketRow> {
    list.lines().skip(1).filter_map(row).collect()
}

fn row(line: &str) -> Option<TcpSocketRow> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (address(fields.next()?)?, address(fields.next()?)?);
    let state = match fields.next()? {
        "01" => TcpState::Established,
        "02" => TcpState::SynSent,
        "0A" => TcpState::Listen,
        _ => TcpState::Other,
    };
    let (_, receive_queue) = fields.next()?.split_once(':')?;
    Some(TcpSocketRow { local, remote, state, receive_queue: u32::from_str_radix(receive_queue, 16).ok()? })
}

/// `0100007F:0050`: the address's bytes in the machine's order, the port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.to_ne_bytes());
    Some((ip, u16::from_str_radix(port, 16).ok()?).into())
}
