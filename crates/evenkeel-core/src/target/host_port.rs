//! `host:port` and lists of addresses, as they stand in targets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::TargetError;

/// The port of a target that names none: gRPC's default.
const DEFAULT_PORT: u16 = 443;

const BAD_ZONE: &str = "the zone behind the `%` must be the network interface's number, not its name (`ip link` shows \
                        it)";

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPort {
    /// An IP literal: nothing to look up.
    Ip(SocketAddr),
    /// A name to look up.
    Name {
        /// The name as written, perhaps with a trailing dot.
        host: String,
        /// The port.
        port: u16,
    },
}

impl HostPort {
    /// Parses `name`, `name:port`, `:port` (which means localhost), `1.2.3.4[:port]`, `::1`, `[::1][:port]`.
    ///
    /// A zone in an IPv6 address must be numeric (`fe80::1%2`).
    ///
    /// # Errors
    /// When the host or the port cannot be used; the error names which.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, TargetError> {
        if text.is_empty() {
            return Err(bad_host(text, "it is empty"));
        }
        if let Some(literal) = text.strip_prefix('[') {
            let (host, rest) =
                literal.split_once(']').ok_or_else(|| bad_host(text, "a `[` is not closed"))?;
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(host, port)?,
                None if rest.is_empty() => default_port,
                None => return Err(bad_host(text, "`]` is followed by something other than a port")),
            };
            let address = parse_ipv6(host, port)?
                .ok_or_else(|| bad_host(host, "not an IPv6 address, but in brackets"))?;
            return Ok(Self::Ip(address));
        }
        if let Some(address) = parse_ipv6(text, default_port)? {
            return Ok(Self::Ip(address));
        }
        let (host, port) = match text.split_once(':') {
            Some((_, rest)) if rest.contains(':') => {
                return Err(bad_host(text, "more than one colon, and not an IPv6 address"));
            }
            Some((host, port)) => (host, parse_port(host, port)?),
            None => (text, default_port),
        };
        let host = if host.is_empty() { "localhost" } else { host };
        match host.parse::<Ipv4Addr>() {
            Ok(ip) => Ok(Self::Ip((ip, port).into())),
            Err(_) => match name_fault(host) {
                Some(reason) => Err(bad_host(host, reason)),
                None => Ok(Self::Name { host: host.to_owned(), port }),
            },
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Parses the endpoint of `ipv4:a:p,b:p` (`is_v6` false) or `ipv6:[a]:p,[b]:p` (true). A port left out is 443.
///
/// # Errors
/// When an entry is not an address of that family.
pub fn parse_ip_list(text: &str, is_v6: bool) -> Result<Vec<SocketAddr>, TargetError> {
    let expected = if is_v6 { "[IPv6]:port" } else { "IPv4:port" };
    text.split(',')
        .map(|entry| match HostPort::parse(entry, DEFAULT_PORT) {
            Ok(HostPort::Ip(address)) if address.is_ipv6() == is_v6 => Ok(address),
            Err(error @ TargetError::Port { .. }) => Err(error),
            Err(error @ TargetError::Host { reason: BAD_ZONE, .. }) => Err(error),
            _ => Err(TargetError::Address { address: entry.to_owned(), expected }),
        })
        .collect()
}

fn bad_host(host: &str, reason: &'static str) -> TargetError {
    TargetError::Host { host: host.to_owned(), reason }
}

fn parse_port(host: &str, port: &str) -> Result<u16, TargetError> {
    // Only digits: `u16::from_str` takes a leading plus sign.
    match port.parse() {
        Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => Ok(number),
        _ => Err(TargetError::Port { host: host.to_owned(), port: port.to_owned() }),
    }
}

/// None: no IPv6 address at all.
fn parse_ipv6(host: &str, port: u16) -> Result<Option<SocketAddr>, TargetError> {
    let (ip, zone) = match host.split_once('%') {
        Some((ip, zone)) => (ip, Some(zone)),
        None => (host, None),
    };
    let Ok(ip) = ip.parse::<Ipv6Addr>() else { return Ok(None) };
    let scope = match zone.map(str::parse) {
        None => 0,
        Some(Ok(scope)) => scope,
        Some(Err(_)) => return Err(bad_host(host, BAD_ZONE)),
    };
    Ok(Some(match scope {
        0 => SocketAddr::new(IpAddr::V6(ip), port),
        scope => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)),
    }))
}

/// What keeps `host` from being a DNS name (RFC 1035 lengths; the underscore is used in practice).
pub(super) fn name_fault(host: &str) -> Option<&'static str> {
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > 253 {
        return Some("longer than 253 characters");
    }
    if name.split('.').any(str::is_empty) {
        return Some("a label is empty");
    }
    if name.split('.').any(|label| label.len() > 63) {
        return Some("a label is longer than 63 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Some("only letters, digits, `-`, `_` and `.` make a DNS name");
    }
    // `1.2.3` or `256.1.1.1` is a mistyped address, but `svc.2024` has a namespace that a search list completes.
    if name.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Some("neither an IP address nor a DNS name");
    }
    None
}
