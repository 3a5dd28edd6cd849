//! Questions and answers as bytes, and what an answer says.

#[cfg(test)]
mod tests;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use evenkeel_core::resolve::Family;
use hickory_resolver::proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinDecoder};

/// The UDP payload size that passes every usual path unfragmented (the DNS flag day's).
const EDNS_PAYLOAD: u16 = 1232;
const HEADER: usize = 12;
/// How many aliases one may lead to the next. With as many as a message holds, following them would be slow work.
const MOST_ALIASES: usize = 16;

/// A name that can be asked for.
#[derive(Clone, Debug)]
pub(super) struct AbsoluteName {
    name: Name,
    /// As it was written: hickory's own text has escapes, and letters of other scripts.
    text: String,
}

/// What is asked for: the records of one type of one name.
#[derive(Clone, Debug)]
pub(super) struct Question {
    query: Query,
    name: Name,
}

/// A question's bytes, and the id by which its answer is known.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    pub(super) id: u16,
    pub(super) bytes: Vec<u8>,
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
    #[error("a bare header without the question ({0:?})")]
    BareHeader(ResponseCode),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("truncated even over TCP")]
    Truncated,
    #[error("it refers to other servers and does not recurse")]
    Lame,
    #[error("the aliases that it answered with lead in a circle, or are more than {MOST_ALIASES}")]
    Aliases,
    #[error("it answered with records of another class than IN")]
    ForeignClass,
    #[error("it answered something else than it was asked")]
    NotOurs,
    #[error("protocol error: what it sent is no DNS message ({0})")]
    Malformed(String),
    #[error("{0}")]
    Name(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Found {
    /// Whether it says that there is nothing.
    pub(super) fn is_negative(&self) -> bool {
        matches!(self, Self::NoData | Self::NxDomain)
    }
}

impl Question {
    pub(super) fn new(name: &AbsoluteName, family: Family) -> Self {
        let record_type = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        Self { query: Query::query(name.name.clone(), record_type), name: name.name.clone() }
    }

    /// The bytes to send, with an id of their own.
    pub(super) fn encode(&self, with_edns: bool) -> Result<Encoded, Cause> {
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(self.query.clone());
        if with_edns {
            let mut edns = Edns::new();
            edns.set_max_payload(EDNS_PAYLOAD).set_version(0);
            message.set_edns(edns);
        }
        let bytes = message.to_vec().map_err(|error| Cause::Name(error.to_string()))?;
        Ok(Encoded { id: message.metadata.id, bytes })
    }

    /// Reads what came for the question with this id; `None` when it is no answer to it.
    pub(super) fn read(&self, id: u16, bytes: &[u8]) -> Option<Result<Found, Cause>> {
        if u16_at(bytes, 0)? != id {
            return None;
        }
        if bytes.len() < HEADER {
            return Some(Err(Cause::Malformed(format!("{} bytes", bytes.len()))));
        }
        let flags = Flags(u16_at(bytes, 2)?);
        if !flags.is_answer_to_a_query() {
            return None;
        }
        match (u16_at(bytes, 4)?, u16_at(bytes, 6)?) {
            // How servers of old say that they did not understand the question.
            (0, 0) => return Some(Err(Cause::BareHeader(flags.code()))),
            (1, _) => {}
            _ => return None,
        }
        match read_query(bytes) {
            Ok(query) if query == self.query => {}
            Ok(_) => return None,
            Err(cause) => return Some(Err(cause)),
        }
        // Before the records are looked at: the last one may end in the middle.
        if flags.is_truncated() {
            return Some(Err(Cause::Truncated));
        }
        let (code, answers) = match Message::from_vec(bytes) {
            Ok(message) => (message.metadata.response_code, message.answers),
            Err(error) => match read_answers(bytes) {
                Some(answers) => (flags.code(), answers),
                None if flags.code() != ResponseCode::NoError => {
                    return Some(Err(Cause::Code(flags.code())));
                }
                None => return Some(Err(Cause::Malformed(error.to_string()))),
            },
        };
        // It is no word about the name: a server that does know it, or asks around, may say something else.
        if code == ResponseCode::NoError && answers.is_empty() && flags.is_hearsay() {
            return Some(Err(Cause::Lame));
        }
        Some(read_records(code, &answers, self.name.clone(), self.query.query_type))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*pair))
}

fn read_query(bytes: &[u8]) -> Result<Query, Cause> {
    let malformed = |error: &dyn std::fmt::Display| Cause::Malformed(error.to_string());
    let mut decoder = BinDecoder::new(bytes);
    decoder.read_slice(HEADER).map_err(|error| malformed(&error))?;
    Query::read(&mut decoder).map_err(|error| malformed(&error))
}

/// The answers of a message whose other records cannot be read: those are not needed.
///
/// `None` where they cannot be read either, and where nothing is said but for records that cannot be read, which may
/// hold the better half of the code (RFC 6891 §6.1.3).
fn read_answers(bytes: &[u8]) -> Option<Vec<Record>> {
    let (answers, additional) = (u16_at(bytes, 6)?, u16_at(bytes, 10)?);
    let mut decoder = BinDecoder::new(bytes);
    decoder.read_slice(HEADER).ok()?;
    Query::read(&mut decoder).ok()?;
    let (answers, ..) =
        Message::read_records(&mut decoder, usize::from(answers), false, OpCode::Query).ok()?;
    (!answers.is_empty() || additional == 0).then_some(answers)
}

/// The header's second pair of bytes (RFC 1035 §4.1.1).
#[derive(Clone, Copy)]
struct Flags(u16);

impl Flags {
    fn is_answer_to_a_query(&self) -> bool {
        let (is_answer, op_code) = (self.0 & 0x8000 != 0, self.0 >> 11 & 0xF);
        is_answer && op_code == 0
    }

    fn is_truncated(&self) -> bool {
        self.0 & 0x0200 != 0
    }

    /// Whether the server neither speaks for the zone (AA) nor asks those who do (RA).
    fn is_hearsay(&self) -> bool {
        self.0 & 0x0480 == 0
    }

    fn code(&self) -> ResponseCode {
        (self.0 & 0xF).into()
    }
}

/// The addresses of `name`, or of what it is an alias of, and the least TTL on the way.
fn read_records(
    code: ResponseCode,
    answers: &[Record],
    mut name: Name,
    record_type: RecordType,
) -> Result<Found, Cause> {
    match code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Ok(Found::NxDomain),
        code => return Err(Cause::Code(code)),
    }
    // Nobody's members: an answer that mixes classes is not to be believed at all.
    if answers.iter().any(|record| record.dns_class != DNSClass::IN) {
        return Err(Cause::ForeignClass);
    }
    let mut ttl = u32::MAX;
    for followed in 0.. {
        let alias = answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == name => Some((target.0.clone(), record.ttl)),
            _ => None,
        });
        let Some((target, alias_ttl)) = alias else { break };
        if followed == MOST_ALIASES {
            return Err(Cause::Aliases);
        }
        name = target;
        ttl = ttl.min(alias_ttl);
    }
    let mut addresses = Vec::new();
    for record in answers.iter().filter(|record| record.name == name) {
        if let Some(address) = address_of(record).filter(|_| record.record_type() == record_type) {
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
    /// When it is too long, or a label of it is, or one is empty.
    pub(super) fn parse(name: &str) -> Result<Self, Cause> {
        // As bytes: hickory's parser refuses labels that servers have and the C library asks for, such as `a+b`.
        let labels = name.strip_suffix('.').unwrap_or(name).split('.').map(str::as_bytes);
        let parsed = Name::from_labels(labels).map_err(|error| Cause::Name(error.to_string()))?;
        Ok(Self { name: parsed, text: name.to_owned() })
    }
}

impl std::fmt::Display for AbsoluteName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Cause {
    /// Whether an answer like this to a question with EDNS may be owed to the EDNS (RFC 6891 §7).
    pub(super) fn may_be_for_edns(&self) -> bool {
        match self {
            // 16 is BADVERS, which hickory calls BADSIG: they have one number.
            Self::Code(code) => {
                matches!(code, ResponseCode::FormErr | ResponseCode::NotImp) || u16::from(*code) == 16
            }
            Self::BareHeader(_) | Self::Malformed(_) => true,
            _ => false,
        }
    }

    /// Whether a server may do this over TCP to a question with EDNS that it, or what is between, does not take.
    pub(super) fn is_lost_connection(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
        match self {
            Self::Timeout(_) => true,
            Self::Io(error) => matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof
            ),
            _ => false,
        }
    }
}
