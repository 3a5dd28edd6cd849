//! One question to one server over one transport, and how its answer is read.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::{RuntimeProvider, TokioRuntimeProvider};
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_resolver::{ConnectionProvider, PoolContext, TlsConfig};
use tokio::time::timeout;

use super::query::Family;
use crate::observe::DnsTransport;

/// The UDP payload size that passes every usual path unfragmented (the DNS flag day's).
const EDNS_PAYLOAD: u16 = 1232;

/// Where questions get their sockets, timers and tasks from. Exempt from semantic versioning: it names hickory's traits.
pub trait DnsSockets: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// What hickory runs on.
    type Provider: RuntimeProvider;

    /// Makes a provider for one question. Dropping its last clone must end the tasks it spawned.
    fn provider(&self) -> Self::Provider;
}

/// The operating system's sockets, on tokio.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSockets;

/// A name that can be asked for.
#[derive(Clone, Debug)]
pub(super) struct AbsoluteName(Name);

/// What is asked of whom, how, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) name: &'a AbsoluteName,
    pub(super) family: Family,
    pub(super) server: SocketAddr,
    pub(super) transport: DnsTransport,
    pub(super) patience: Duration,
}

/// What a good answer says.
#[derive(Debug)]
pub(super) enum Found {
    /// Addresses, and the least TTL of all records that led to them.
    Addresses(Vec<IpAddr>, Duration),
    /// The name exists, but has no such record.
    NoData,
    NxDomain,
}

/// Why a question has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("{0:?}")]
    Code(ResponseCode),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("truncated even over TCP")]
    Truncated,
    #[error("it answered with records of another class than IN")]
    ForeignClass,
    #[error("{0}")]
    Other(Box<NetError>),
}

impl DnsSockets for SystemSockets {
    type Provider = TokioRuntimeProvider;

    fn provider(&self) -> TokioRuntimeProvider {
        TokioRuntimeProvider::new()
    }
}

/// Asks one server over one transport: the answer's size in bytes, if one came, and what it says.
///
/// This goes to hickory's connections, below its resolver and its pool of servers: the resolver's search walk takes an
/// outage for NXDOMAIN and its cache would hide the TTL, and the pool does not say what came over which transport.
/// The connection lives as long as the question: dropping this future ends its tasks and closes its socket.
pub(super) async fn exchange(
    question: Question<'_>,
    sockets: &impl DnsSockets,
) -> (Option<usize>, Result<Found, Cause>) {
    match send(question, sockets).await {
        Ok(response) => (Some(response.as_buffer().len()), read(&response, question.name.0.clone())),
        Err(cause) => (None, Err(cause)),
    }
}

async fn send(question: Question<'_>, sockets: &impl DnsSockets) -> Result<DnsResponse, Cause> {
    let Question { name, family, server, transport, patience } = question;
    let mut options = ResolverOpts::default();
    options.timeout = patience;
    let context = PoolContext::new(options, TlsConfig::new().map_err(other)?);
    let mut config = match transport {
        DnsTransport::Udp => ConnectionConfig::udp(),
        DnsTransport::Tcp => ConnectionConfig::tcp(),
    };
    config.port = server.port();

    let mut request = DnsRequestOptions::default();
    request.use_edns = true;
    request.edns_payload_len = EDNS_PAYLOAD;
    request.recursion_desired = true;
    let request = DnsRequest::from_query(Query::query(name.0.clone(), family.record_type()), request);
    let provider = sockets.provider();
    let response = timeout(patience, async {
        let connection = provider.new_connection(server.ip(), &config, &context)?.await?;
        connection.send(request).first_answer().await
    })
    .await;
    match response {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(NetError::Timeout)) | Err(_) => Err(Cause::Timeout(patience)),
        Ok(Err(error)) => Err(other(error)),
    }
}

fn other(error: NetError) -> Cause {
    Cause::Other(Box::new(error))
}

/// The addresses of `name`, or of what it is an alias of, and the least TTL on the way.
fn read(response: &DnsResponse, mut name: Name) -> Result<Found, Cause> {
    match response.response_code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Ok(Found::NxDomain),
        code => return Err(Cause::Code(code)),
    }
    // Never a list of members: each truncated answer is another random part of it.
    if response.truncation {
        return Err(Cause::Truncated);
    }
    // Nobody's members: an answer that mixes classes is not to be believed at all.
    if response.answers.iter().any(|record| record.dns_class != DNSClass::IN) {
        return Err(Cause::ForeignClass);
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
        return Ok(Found::NoData);
    }
    Ok(Found::Addresses(addresses, Duration::from_secs(u64::from(ttl))))
}

fn address_of(record: &Record) -> Option<IpAddr> {
    match &record.data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

impl AbsoluteName {
    /// # Errors
    /// When it is too long, or a label of it is.
    pub(super) fn parse(name: &str) -> Result<Self, Cause> {
        Name::from_ascii(name).map(Self).map_err(|error| other(error.into()))
    }
}

impl std::fmt::Display for AbsoluteName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
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
