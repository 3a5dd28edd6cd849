//! What the `dns:` resolver asked, and what it was told.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One question to one DNS server over one transport, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsQuery {
    /// The absolute name that was asked for.
    pub name: String,
    /// The type of the records that were asked for: `A` or `AAAA`.
    pub record_type: &'static str,
    /// Who was asked.
    pub server: SocketAddr,
    /// How.
    pub transport: DnsTransport,
    /// From the question to the answer, or to giving it up; over TCP with the connection.
    pub round_trip: Duration,
    /// The answer's length in bytes, without TCP's two for the length; `None` when none came.
    pub size: Option<usize>,
    /// What came of it.
    pub answer: DnsAnswer,
}

/// How a DNS question travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsTransport {
    /// In a datagram.
    Udp,
    /// On a connection: the datagram's answer was truncated, or resolv.conf says `use-vc`.
    Tcp,
}

/// What came of a DNS question.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsAnswer {
    /// Addresses, in the answer's order.
    #[non_exhaustive]
    Addresses {
        /// The addresses of the name, or of what it is an alias of.
        addresses: Vec<IpAddr>,
        /// The least time to live on the way: what remains of it where a cache answered.
        ttl: Duration,
    },
    /// The name is there and has no record of this type.
    NoRecords,
    /// The name does not exist.
    NxDomain,
    /// More than fits: never taken for a list of backends. Over UDP the question is put again over TCP.
    Truncated,
    /// The server answered with an error: the DNS response code, for example 2 (SERVFAIL) or 5 (REFUSED).
    ErrorCode(u16),
    /// No answer came in time.
    TimedOut,
    /// No answer that can be used, and why, in words.
    Failed(String),
}

impl DnsQuery {
    /// A question over UDP that took no time and whose answer has no size.
    pub fn new(
        name: impl Into<String>,
        record_type: &'static str,
        server: SocketAddr,
        answer: DnsAnswer,
    ) -> Self {
        Self {
            name: name.into(),
            record_type,
            server,
            transport: DnsTransport::Udp,
            round_trip: Duration::ZERO,
            size: None,
            answer,
        }
    }

    /// The same, over this transport.
    #[must_use]
    pub fn over(self, transport: DnsTransport) -> Self {
        Self { transport, ..self }
    }

    /// The same, answered or given up after `round_trip`.
    #[must_use]
    pub fn after(self, round_trip: Duration) -> Self {
        Self { round_trip, ..self }
    }

    /// The same, with an answer of so many bytes.
    #[must_use]
    pub fn sized(self, size: impl Into<Option<usize>>) -> Self {
        Self { size: size.into(), ..self }
    }
}

impl DnsAnswer {
    /// Addresses that hold for `ttl`.
    pub fn addresses(addresses: impl IntoIterator<Item = IpAddr>, ttl: Duration) -> Self {
        Self::Addresses { addresses: addresses.into_iter().collect(), ttl }
    }
}

impl DnsTransport {
    /// Its usual name: `UDP` or `TCP`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

impl fmt::Display for DnsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for DnsAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses { addresses, ttl } => {
                let noun = if addresses.len() == 1 { "address" } else { "addresses" };
                write!(f, "{} {noun}, TTL {} s", addresses.len(), ttl.as_secs())
            }
            Self::NoRecords => f.write_str("no such record"),
            Self::NxDomain => f.write_str("NXDOMAIN"),
            Self::Truncated => f.write_str("truncated"),
            Self::ErrorCode(code) => match code_name(*code) {
                Some(name) => f.write_str(name),
                None => write!(f, "error code {code}"),
            },
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// The names of RFC 1035 §4.1.1 and RFC 6891 §9.
fn code_name(code: u16) -> Option<&'static str> {
    match code {
        1 => Some("FORMERR"),
        2 => Some("SERVFAIL"),
        4 => Some("NOTIMP"),
        5 => Some("REFUSED"),
        16 => Some("BADVERS"),
        _ => None,
    }
}
