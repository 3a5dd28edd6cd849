//! `dns:[//server[:port]/]name[:port]`, by A and AAAA records.

mod ask;
mod exchange;
mod failure;
mod lookup;
mod message;
mod query;
mod questions;
mod run;
mod single_address;
mod system;
#[cfg(test)]
mod tests;
mod told;

pub use exchange::DnsSockets;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
#[cfg(feature = "unstable")]
use std::path::PathBuf;
use std::time::Duration;

use evenkeel_core::endpoint::{Address, Endpoint};
#[cfg(feature = "unstable")]
use evenkeel_core::resolve::Environment;
use evenkeel_core::resolve::{RESOLUTION_DELAY, RefreshMode};
use evenkeel_core::target::{HostPort, Target, TargetError};

use self::exchange::SystemSockets;
use self::lookup::Lookup;
use self::run::DnsResolver;
use self::system::System;
use super::fixed::Fixed;
use super::{ResolveContext, Resolver, ResolverFactory};
use crate::client::Refresh;

/// gRPC's port for a target that names none.
const DEFAULT_PORT: u16 = 443;
const DNS_PORT: u16 = 53;

/// Makes the resolvers of `dns:` targets.
#[derive(Debug)]
pub struct Dns<S = SystemSockets> {
    system: System,
    sockets: S,
    /// How long one family's answer is waited for once the other's has come.
    delay: Duration,
}

impl Default for Dns {
    fn default() -> Self {
        Self { system: System::default(), sockets: SystemSockets, delay: RESOLUTION_DELAY }
    }
}

#[cfg(feature = "unstable")]
impl<S: DnsSockets> Dns<S> {
    /// Resolves over `sockets`, by the settings that stand in `resolv_conf`, without a hosts file and the
    /// environment's variables.
    pub fn over(sockets: S, resolv_conf: impl Into<PathBuf>) -> Self {
        let system = System {
            resolv_conf: resolv_conf.into(),
            hosts: PathBuf::new(),
            environment: Environment::default(),
            dns_port: DNS_PORT,
        };
        Self { system, sockets, delay: RESOLUTION_DELAY }
    }
}

impl<S: DnsSockets> ResolverFactory for Dns<S> {
    fn scheme(&self) -> &str {
        "dns"
    }

    fn build(&self, target: &Target, context: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError> {
        let endpoint = endpoint(target)?;
        let server = parse_server(target.authority())?;
        let (host, port) = match HostPort::parse(endpoint, DEFAULT_PORT)? {
            HostPort::Ip(address) => return Ok(Fixed::boxed([Endpoint::from(address)])),
            HostPort::Name { host, port } => (host, port),
        };
        if server.is_none() && is_localhost(&host) {
            return Ok(Fixed::boxed([loopback(port)]));
        }
        let mode = match context.refresh {
            Refresh::Ttl => RefreshMode::Ttl,
            Refresh::Disconnect { floor } => RefreshMode::Disconnect { floor },
            Refresh::Every(interval) => RefreshMode::Every(interval),
        };
        let lookup = Lookup::new(host, server, self.system.clone(), self.sockets.clone(), self.delay);
        Ok(Box::new(DnsResolver::new(lookup, port, mode)))
    }
}

/// The target's endpoint. Two slashes instead of three make the name a DNS server, and leave no name.
fn endpoint(target: &Target) -> Result<&str, TargetError> {
    if target.endpoint().is_empty() && !target.authority().is_empty() {
        return Err(TargetError::Authority {
            authority: target.authority().to_owned(),
            reason: "that is the DNS server, and no name follows; a name alone has three slashes: `dns:///host:port`",
        });
    }
    target.non_empty_endpoint()
}

/// The DNS server that a target's authority names, if it has one.
fn parse_server(authority: &str) -> Result<Option<SocketAddr>, TargetError> {
    if authority.is_empty() {
        return Ok(None);
    }
    match HostPort::parse(authority, DNS_PORT)? {
        HostPort::Ip(address) => Ok(Some(address)),
        HostPort::Name { host, port } if is_localhost(&host) => {
            Ok(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
        }
        HostPort::Name { .. } => Err(TargetError::Authority {
            authority: authority.to_owned(),
            reason: "the DNS server must be given by its IP address",
        }),
    }
}

/// Names that never go to a DNS server (RFC 6761 §6.3).
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// One endpoint with two addresses, not two endpoints: it is one machine, and mostly one server.
fn loopback(port: u16) -> Endpoint {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    Endpoint::new([Address::Ip(v4), Address::Ip(v6)])
}
