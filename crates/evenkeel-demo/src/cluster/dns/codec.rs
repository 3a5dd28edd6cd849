//! DNS messages (RFC 1035, EDNS of RFC 6891): as much as a server of A records needs.

use std::net::Ipv4Addr;

/// Without EDNS an answer over UDP has at most this many bytes (RFC 1035 §4.2.1).
const PLAIN_UDP_LIMIT: u16 = 512;
/// What this server can take in one datagram.
const OUR_UDP_LIMIT: u16 = 1232;
const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const TYPE_SOA: u16 = 6;
const TYPE_OPT: u16 = 41;
const CLASS_IN: u16 = 1;
/// A pointer to the first byte after the header: the question's name.
const POINTER_TO_QUESTION: u16 = 0xc000 | HEADER as u16;
const FLAG_RESPONSE: u16 = 0x8000;
const FLAG_AUTHORITATIVE: u16 = 0x0400;
const FLAG_TRUNCATED: u16 = 0x0200;
const FLAG_RECURSION_DESIRED: u16 = 0x0100;
const OPCODE: u16 = 0x7800;

/// A question that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    id: u16,
    flags: u16,
    /// The question's bytes, to be repeated as they came (some clients change letter cases on purpose).
    question: Vec<u8>,
    /// In lower case, without the dot at the end.
    pub(crate) name: String,
    kind: u16,
    class: u16,
    /// How much the client can take in one datagram; `None` when it does not speak EDNS.
    edns: Option<u16>,
}

/// What to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The name's addresses and for how many seconds they hold.
    Addresses {
        addresses: Vec<Ipv4Addr>,
        ttl: u32,
    },
    /// The name exists, but not with this type of record.
    NoData {
        ttl: u32,
    },
    NameError {
        ttl: u32,
    },
    /// The server has trouble of its own (SERVFAIL).
    ServerFailure,
    /// Not a question that is answered here.
    Refused,
}

impl Query {
    /// Reads one question; `None` for what is no query or has no single question.
    pub(crate) fn parse(message: &[u8]) -> Option<Self> {
        let mut reader = Reader { message, at: 0 };
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let [questions, answers, authorities, additionals] =
            [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        if flags & FLAG_RESPONSE != 0 || questions != 1 {
            return None;
        }
        let name = reader.name()?;
        let (kind, class) = (reader.u16()?, reader.u16()?);
        let question = message.get(HEADER..reader.at)?.to_vec();
        let mut edns = None;
        for _ in 0..u32::from(answers) + u32::from(authorities) + u32::from(additionals) {
            if let Some(size) = reader.record()? {
                edns = Some(size);
            }
        }
        Some(Self { id, flags, question, name, kind, class, edns })
    }

    /// Whether it asks for addresses of IPv4.
    pub(crate) fn is_for_a(&self) -> bool {
        self.kind == TYPE_A
    }

    /// Whether it is a plain question about the Internet's names.
    pub(crate) fn is_answerable(&self) -> bool {
        self.class == CLASS_IN && self.flags & OPCODE == 0
    }

    /// How many bytes an answer over UDP may have.
    pub(crate) fn udp_limit(&self) -> usize {
        usize::from(self.edns.unwrap_or(PLAIN_UDP_LIMIT).max(PLAIN_UDP_LIMIT))
    }

    /// Writes the answer; addresses that do not fit into `limit` are left out, and the answer says so (TC).
    pub(crate) fn respond(&self, answer: &Answer, limit: usize) -> Vec<u8> {
        let (code, addresses, ttl) = match answer {
            Answer::Addresses { addresses, ttl } => (0, addresses.as_slice(), *ttl),
            Answer::NoData { ttl } => (0, [].as_slice(), *ttl),
            Answer::NameError { ttl } => (3, [].as_slice(), *ttl),
            Answer::ServerFailure => (2, [].as_slice(), 0),
            Answer::Refused => (5, [].as_slice(), 0),
        };
        let is_negative = match answer {
            Answer::NoData { .. } | Answer::NameError { .. } => true,
            Answer::Addresses { addresses, .. } => addresses.is_empty(),
            Answer::ServerFailure | Answer::Refused => false,
        };
        let soa = if is_negative { start_of_authority(ttl) } else { Vec::new() };
        let opt = if self.edns.is_some() { opt() } else { Vec::new() };
        let room = limit.saturating_sub(HEADER + self.question.len() + soa.len() + opt.len());
        let fitting = addresses.len().min(room / ADDRESS_RECORD);

        let mut flags =
            FLAG_RESPONSE | FLAG_AUTHORITATIVE | (self.flags & (OPCODE | FLAG_RECURSION_DESIRED)) | code;
        if fitting < addresses.len() {
            flags |= FLAG_TRUNCATED;
        }
        let mut message = Vec::with_capacity(limit.min(4096));
        let counts = [1, fitting as u16, u16::from(!soa.is_empty()), u16::from(!opt.is_empty())];
        for word in [self.id, flags].into_iter().chain(counts) {
            message.extend(word.to_be_bytes());
        }
        message.extend(&self.question);
        for address in addresses.iter().take(fitting) {
            message.extend(POINTER_TO_QUESTION.to_be_bytes());
            record(&mut message, TYPE_A, CLASS_IN, ttl, &address.octets());
        }
        message.extend(soa);
        message.extend(opt);
        message
    }
}

/// Pointer, type, class, TTL, length, address.
const ADDRESS_RECORD: usize = 2 + 2 + 2 + 4 + 2 + 4;

/// What follows a record's name.
fn record(message: &mut Vec<u8>, kind: u16, class: u16, ttl: u32, data: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend(class.to_be_bytes());
    message.extend(ttl.to_be_bytes());
    message.extend((data.len() as u16).to_be_bytes());
    message.extend(data);
}

/// Says how long "nothing" may be kept (RFC 2308): the SOA's TTL and its minimum.
fn start_of_authority(ttl: u32) -> Vec<u8> {
    let mut data = name_bytes(&["ns", "dns", "cluster", "local"]);
    data.extend(name_bytes(&["hostmaster", "cluster", "local"]));
    // Serial, refresh, retry, expire as CoreDNS sends them; nobody transfers this zone.
    for word in [1_u32, 7200, 1800, 86400, ttl] {
        data.extend(word.to_be_bytes());
    }
    let mut message = name_bytes(&["cluster", "local"]);
    record(&mut message, TYPE_SOA, CLASS_IN, ttl, &data);
    message
}

/// The root's name, and the class field says what we can take.
fn opt() -> Vec<u8> {
    let mut message = vec![0];
    record(&mut message, TYPE_OPT, OUR_UDP_LIMIT, 0, &[]);
    message
}

fn name_bytes(labels: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in labels {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.message.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    /// A name without compression: a query has nothing to point to.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            match self.u8()? {
                0 => return Some(name),
                length @ 1..=63 => {
                    if !name.is_empty() {
                        name.push('.');
                    }
                    let label = self.take(usize::from(length))?;
                    name.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
                }
                _ => return None,
            }
        }
    }

    /// Skips one record; says the datagram size if it is EDNS' OPT.
    fn record(&mut self) -> Option<Option<u16>> {
        self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        self.take(4)?;
        let length = self.u16()?;
        self.take(usize::from(length))?;
        Some((kind == TYPE_OPT).then_some(class))
    }
}

#[cfg(test)]
mod tests;
