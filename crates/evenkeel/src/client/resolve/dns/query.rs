//! One question to the DNS servers, one server after the other: the only place that names hickory.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::resolve::FamilyOutcome;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts, ServerOrderingStrategy};
use hickory_resolver::net::runtime::{RuntimeProvider, TokioRuntimeProvider};
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};

use super::system::Settings;

/// The UDP payload size that passes every usual path unfragmented (the DNS flag day's).
const EDNS_PAYLOAD: u16 = 1232;

/// Where questions get their sockets, timers and tasks from. Exempt from semantic versioning: it names hickory's traits.
pub trait DnsSockets: fmt::Debug + Clone + Send + Sync + 'static {
    /// What hickory runs on.
    type Provider: RuntimeProvider;

    /// Makes a provider for one question. Dropping its last clone must end the tasks it spawned.
    fn provider(&self) -> Self::Provider;
}

/// The operating system's sockets, on tokio.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSockets;

/// An address family, by its record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// Why one question has no answer.
#[derive(Debug, thiserror::Error)]
#[error("{family} records of {name} from {server}: {cause}")]
pub(super) struct QueryError {
    name: String,
    family: Family,
    server: SocketAddr,
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("{0:?}")]
    Code(ResponseCode),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("truncated even over TCP")]
    Truncated,
    #[error("{0}")]
    Other(Box<NetError>),
}

impl DnsSockets for SystemSockets {
    type Provider = TokioRuntimeProvider;

    fn provider(&self) -> TokioRuntimeProvider {
        TokioRuntimeProvider::new()
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "A",
            Self::V6 => "AAAA",
        })
    }
}

/// Asks for the absolute name's records, each server in its turn until one answers.
///
/// A server that keeps silent is asked again, as often as resolv.conf says; one that answers with an error is not.
pub(super) async fn query(
    name: &str,
    family: Family,
    settings: &Settings,
    sockets: &impl DnsSockets,
) -> FamilyOutcome<QueryError> {
    let mut servers = settings.servers.clone();
    let mut last = None;
    for _ in 0..settings.conf.attempts {
        let mut silent = Vec::new();
        for server in servers {
            match ask(name, family, server, settings.conf.timeout, sockets).await {
                Ok(outcome) => return outcome,
                Err(cause) => {
                    if matches!(cause, Cause::Timeout(_)) {
                        silent.push(server);
                    }
                    last = Some(QueryError { name: name.to_owned(), family, server, cause });
                }
            }
        }
        servers = silent;
    }
    // There is always a server and an attempt, so there is an error.
    last.map_or(FamilyOutcome::NoData, FamilyOutcome::Failed)
}

/// Asks one server, over UDP, and over TCP if the answer is truncated.
///
/// This goes to hickory's pool of one server, below its resolver: that one's own search walk takes an outage for
/// NXDOMAIN, its cache would hide the TTL, and a pool of several servers gives up when the first of them is silent.
/// The pool lives as long as the question: dropping this future ends its tasks and closes its sockets.
async fn ask(
    name: &str,
    family: Family,
    server: SocketAddr,
    timeout: Duration,
    sockets: &impl DnsSockets,
) -> Result<FamilyOutcome<QueryError>, Cause> {
    let name = Name::from_ascii(name).map_err(|error| Cause::Other(Box::new(error.into())))?;
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.num_concurrent_reqs = 1;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    let context = PoolContext::new(options, TlsConfig::new().map_err(|error| Cause::Other(Box::new(error)))?);
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.into());
    let pool = NameServerPool::from_config([server], Arc::new(context), sockets.provider());

    let mut request = DnsRequestOptions::default();
    request.use_edns = true;
    request.edns_payload_len = EDNS_PAYLOAD;
    request.recursion_desired = true;
    let question = Query::query(name.clone(), family.record_type());
    match pool.lookup(question, request).first_answer().await {
        Ok(response) => read(&response, name),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
            ResponseCode::NXDomain => Ok(FamilyOutcome::NxDomain),
            ResponseCode::NoError => Ok(FamilyOutcome::NoData),
            code => Err(Cause::Code(code)),
        },
        Err(NetError::Dns(DnsError::ResponseCode(code))) => Err(Cause::Code(code)),
        Err(NetError::Timeout) => Err(Cause::Timeout(timeout)),
        Err(NetError::Truncated) => Err(Cause::Truncated),
        Err(error) => Err(Cause::Other(Box::new(error))),
    }
}

/// The addresses of `name`, or of what it is an alias of, and the least TTL on the way.
fn read(response: &DnsResponse, mut name: Name) -> Result<FamilyOutcome<QueryError>, Cause> {
    match response.response_code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Ok(FamilyOutcome::NxDomain),
        code => return Err(Cause::Code(code)),
    }
    // Never a list of members: each truncated answer is another random part of it.
    if response.truncation {
        return Err(Cause::Truncated);
    }
    let mut ttl = u32::MAX;
    // An alias that leads in a circle ends after as many steps as there are records.
    for _ in &response.answers {
        let alias = response.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == name => Some((target.0.clone(), record.ttl)),
            _ => None,
        });
        let Some((target, alias_ttl)) = alias else { break };
        name = target;
        ttl = ttl.min(alias_ttl);
    }
    let mut addresses = Vec::new();
    for record in response.answers.iter().filter(|record| record.name == name) {
        if let Some(address) = address_of(record) {
            addresses.push(address);
            ttl = ttl.min(record.ttl);
        }
    }
    if addresses.is_empty() {
        return Ok(FamilyOutcome::NoData);
    }
    Ok(FamilyOutcome::Records { addresses, ttl: Duration::from_secs(u64::from(ttl)) })
}

fn address_of(record: &Record) -> Option<IpAddr> {
    match &record.data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

impl Family {
    fn record_type(self) -> RecordType {
        match self {
            Self::V4 => RecordType::A,
            Self::V6 => RecordType::AAAA,
        }
    }
}
