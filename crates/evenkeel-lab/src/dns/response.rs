//! Answers, written as messages (RFC 1035 §4.1, EDNS of RFC 6891).

use std::net::IpAddr;

use super::query::{
    CLASS_IN, FLAG_RECURSION_DESIRED, FLAG_RESPONSE, HEADER, OPCODE_SHIFT, Query, TYPE_A, TYPE_AAAA, TYPE_OPT,
};

/// The server has trouble of its own (SERVFAIL).
pub const SERVER_FAILURE: u16 = 2;
/// The name does not exist (NXDOMAIN).
pub const NAME_ERROR: u16 = 3;
/// The server does not want to (REFUSED).
pub const REFUSED: u16 = 5;

const TYPE_CNAME: u16 = 5;
const TYPE_SOA: u16 = 6;
/// A pointer to the first byte after the header: the question's name.
const POINTER_TO_QUESTION: [u8; 2] = [0xc0, HEADER as u8];
const FLAG_AUTHORITATIVE: u16 = 0x0400;
const FLAG_TRUNCATED: u16 = 0x0200;
const FLAG_RECURSION_AVAILABLE: u16 = 0x0080;
/// What this server says it can take in one datagram: what passes every network whole.
const OUR_UDP_LIMIT: u16 = 1232;

/// What a message says, right or wrong: every field may be set to what does not belong to the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The question's.
    pub id: u16,
    /// Whether it says that it is an answer (QR).
    pub is_response: bool,
    /// The question's.
    pub opcode: u8,
    /// The response code, 0 for no error, up to 4095: what is above 15 takes EDNS to say it.
    pub code: u16,
    /// Whether the server speaks for the zone (AA).
    pub is_authoritative: bool,
    /// Whether something is missing (TC), beside what [`Response::encode`] leaves out.
    pub is_truncated: bool,
    /// Whether the question wanted the server to ask others (RD).
    pub is_recursion_desired: bool,
    /// Whether the server does ask others (RA).
    pub is_recursion_available: bool,
    /// The question's bytes; when there are none, the header says that no question is there.
    pub question: Vec<u8>,
    /// The class of alias and addresses.
    pub class: u16,
    /// What the name is an alias of (CNAME), to which the addresses then belong, and a TTL in seconds.
    pub alias: Option<(String, u32)>,
    /// The addresses, each with its TTL in seconds.
    pub addresses: Vec<(IpAddr, u32)>,
    /// Who says that there is nothing, and for how long.
    pub soa: Option<Soa>,
    /// Whether the server speaks EDNS.
    pub has_opt: bool,
}

/// Says how long "nothing" may be kept (RFC 2308): the record's TTL and its minimum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soa {
    /// The name's zone; empty for the root, which is every name's.
    pub zone: String,
    /// In seconds.
    pub ttl: u32,
}

impl Response {
    /// No error and no record: an answer that belongs to its question, with EDNS if the question has it.
    pub fn to(query: &Query) -> Self {
        Self {
            id: query.id,
            is_response: true,
            opcode: query.opcode,
            code: 0,
            is_authoritative: false,
            is_truncated: false,
            is_recursion_desired: query.is_recursion_desired,
            is_recursion_available: false,
            question: query.question.clone(),
            class: CLASS_IN,
            alias: None,
            addresses: Vec::new(),
            soa: None,
            has_opt: query.edns.is_some(),
        }
    }

    /// Its bytes; an alias and addresses that do not fit into `limit`, or into any message, are left out, and TC says so.
    pub fn encode(&self, limit: usize) -> Vec<u8> {
        let answers = self.answers();
        let authority = self.soa.as_ref().map(start_of_authority).unwrap_or_default();
        let additional = if self.has_opt { opt(self.code) } else { Vec::new() };

        let around = HEADER + self.question.len() + authority.len() + additional.len();
        let room = limit.min(usize::from(u16::MAX)).saturating_sub(around);
        let totals = answers.iter().scan(0, |total, record| {
            *total += record.len();
            Some(*total)
        });
        let fitting = totals.take_while(|total| *total <= room).count();
        let flags = self.flags(self.is_truncated || fitting < answers.len());

        let is_there = |section: &[u8]| u16::from(!section.is_empty());
        let counts = [is_there(&self.question), fitting as u16, is_there(&authority), is_there(&additional)];
        let mut message: Vec<u8> =
            [self.id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect();
        message.extend(&self.question);
        message.extend(answers.iter().take(fitting).flatten());
        message.extend(authority);
        message.extend(additional);
        message
    }

    fn flags(&self, is_truncated: bool) -> u16 {
        let bits = [
            (self.is_response, FLAG_RESPONSE),
            (self.is_authoritative, FLAG_AUTHORITATIVE),
            (is_truncated, FLAG_TRUNCATED),
            (self.is_recursion_desired, FLAG_RECURSION_DESIRED),
            (self.is_recursion_available, FLAG_RECURSION_AVAILABLE),
        ];
        let set = bits.into_iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit);
        let codes = (u16::from(self.opcode & 0xF) << OPCODE_SHIFT) | (self.code & 0xF);
        set.fold(codes, |flags, bit| flags | bit)
    }

    /// The records of the answer, each by itself.
    fn answers(&self) -> Vec<Vec<u8>> {
        let mut owner = POINTER_TO_QUESTION.to_vec();
        let mut records = Vec::new();
        if let Some((target, ttl)) = &self.alias {
            let target = name(target);
            records.push(record(&owner, TYPE_CNAME, self.class, *ttl, &target));
            owner = target;
        }
        records.extend(self.addresses.iter().map(|(address, ttl)| match address {
            IpAddr::V4(ip) => record(&owner, TYPE_A, self.class, *ttl, &ip.octets()),
            IpAddr::V6(ip) => record(&owner, TYPE_AAAA, self.class, *ttl, &ip.octets()),
        }));
        records
    }
}

fn start_of_authority(soa: &Soa) -> Vec<u8> {
    let mut data = name(&format!("ns.dns.{}", soa.zone));
    data.extend(name(&format!("hostmaster.{}", soa.zone)));
    // Serial, refresh, retry, expire as CoreDNS sends them; nobody transfers this zone.
    for word in [1_u32, 7200, 1800, 86400, soa.ttl] {
        data.extend(word.to_be_bytes());
    }
    record(&name(&soa.zone), TYPE_SOA, CLASS_IN, soa.ttl, &data)
}

/// The root's name; the class field says what we can take, and the TTL's first byte is the upper part of the code.
fn opt(code: u16) -> Vec<u8> {
    record(&name(""), TYPE_OPT, OUR_UDP_LIMIT, u32::from(code >> 4) << 24, &[])
}

const LONGEST_LABEL: usize = 63;

fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        // No label is longer (RFC 1035 §2.3.4): what is, is cut.
        let label = label.as_bytes().get(..LONGEST_LABEL).unwrap_or(label.as_bytes());
        bytes.push(label.len() as u8);
        bytes.extend(label);
    }
    bytes.push(0);
    bytes
}

fn record(owner: &[u8], kind: u16, class: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut record = owner.to_vec();
    record.extend(kind.to_be_bytes());
    record.extend(class.to_be_bytes());
    record.extend(ttl.to_be_bytes());
    record.extend((data.len() as u16).to_be_bytes());
    record.extend(data);
    record
}
