//! Which loopback addresses a cluster uses: a block of its own, so that two demos at once do not meet.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::error::ClusterError;

/// The ClusterIP's place in the block.
const CLUSTER_IP: u8 = 1;
/// The DNS server's.
const DNS: u8 = 53;
/// The first pod's; the others follow.
const FIRST_POD: u8 = 100;
/// Where only addresses that were added can be used, they must be known beforehand.
const FIXED: [u8; 3] = [127, 0, 77];
/// Other programs' listeners may stand in the way; each try is a new block or port.
const ATTEMPTS: usize = 20;
/// Loopback answers at once or not at all.
const REACH_LIMIT: Duration = Duration::from_secs(2);

/// A /24 of 127.0.0.0/16 and one port, free on all its addresses: DNS answers carry no port, so all pods share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    network: [u8; 3],
    port: u16,
    pods: u8,
}

impl Block {
    /// Finds a block with room for `pods` pods.
    ///
    /// # Errors
    /// Where the system lets nobody use these addresses.
    pub(crate) fn find(pods: u8) -> Result<Self, ClusterError> {
        let mut last = io::ErrorKind::AddrInUse.into();
        for _ in 0..ATTEMPTS {
            // 127.0.0.0/24 and 127.0.1.0/24 are what distributions use themselves.
            match Self::probe([127, 0, fastrand::u8(2..)], pods) {
                Ok(block) => return Ok(block),
                Err(error) => last = error,
            }
            match last.kind() {
                io::ErrorKind::AddrNotAvailable => {
                    return Self::probe(FIXED, pods).map_err(|cause| Self::refusal(cause, pods));
                }
                io::ErrorKind::NetworkUnreachable | io::ErrorKind::TimedOut => {
                    return Err(ClusterError::Unreachable(last));
                }
                _ => {}
            }
        }
        Err(ClusterError::NoFreeBlock(last))
    }

    pub(crate) fn cluster_ip(&self) -> SocketAddr {
        self.address(CLUSTER_IP)
    }

    pub(crate) fn dns(&self) -> Ipv4Addr {
        self.ip(DNS)
    }

    /// The address of pod number `index` (from 0); `None` beyond the block's room.
    pub(crate) fn pod(&self, index: u8) -> Option<SocketAddr> {
        (index < self.pods).then(|| self.address(FIRST_POD + index))
    }

    /// The port of the ClusterIP and of every pod.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn probe(network: [u8; 3], pods: u8) -> io::Result<Self> {
        let mut block = Self { network, port: 0, pods };
        let first = TcpListener::bind(block.cluster_ip())?;
        block.port = first.local_addr()?.port();
        // A loopback interface that is down lets everybody listen, and nobody in.
        drop(TcpStream::connect_timeout(&block.cluster_ip(), REACH_LIMIT)?);
        // Held until all are had, then given back to those that will serve there.
        let mut held = vec![TcpListener::bind((block.dns(), 0))?];
        for pod in (0..pods).filter_map(|index| block.pod(index)) {
            held.push(TcpListener::bind(pod)?);
        }
        Ok(block)
    }

    fn refusal(cause: io::Error, pods: u8) -> ClusterError {
        let [a, b, c] = FIXED;
        let (first, last) = (FIRST_POD, FIRST_POD + pods - 1);
        let commands = format!(
            "for i in {CLUSTER_IP} {DNS} $(seq {first} {last}); do sudo ifconfig lo0 alias {a}.{b}.{c}.$i; done"
        );
        ClusterError::NoLoopback { cause, commands }
    }

    fn ip(&self, host: u8) -> Ipv4Addr {
        let [a, b, c] = self.network;
        Ipv4Addr::new(a, b, c, host)
    }

    fn address(&self, host: u8) -> SocketAddr {
        (self.ip(host), self.port).into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, io};

    #[test]
    fn a_block_has_room_for_its_pods_and_no_more() {
        let block = Block { network: [127, 3, 4], port: 5, pods: 2 };
        assert_eq!(block.pod(0).map(|a| a.to_string()).as_deref(), Some("127.3.4.100:5"));
        assert_eq!(block.pod(1).map(|a| a.to_string()).as_deref(), Some("127.3.4.101:5"));
        assert_eq!(block.pod(2), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_block_is_found() {
        let block = Block::find(20).expect("127.0.0.0/8 is all ours on Linux");
        assert_ne!(block.port(), 0);
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let text = Block::refusal(io::ErrorKind::AddrNotAvailable.into(), 18).to_string();
        assert!(
            text.contains("for i in 1 53 $(seq 100 117); do sudo ifconfig lo0 alias 127.0.77.$i; done"),
            "{text}"
        );
    }
}
