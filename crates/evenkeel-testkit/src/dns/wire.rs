//! As much of DNS' wire format (RFC 1035, RFC 6891) as a scripted server needs.

use std::net::IpAddr;

use super::{Foul, Query, RecordType, Transport};

pub(super) const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
const TYPE_SOA: u16 = 6;
pub(super) const TYPE_AAAA: u16 = 28;
const TYPE_OPT: u16 = 41;
const CLASS_IN: u16 = 1;
/// Points at the question's name, which always begins right after the 12 bytes of the header.
const QUESTION_NAME: [u8; 2] = [0xC0, 12];
const FLAG_RESPONSE: u16 = 0x8000;
const FLAG_TRUNCATED: u16 = 0x0200;
const FLAGS_RECURSION: u16 = 0x0180;
const FLAG_RECURSION_AVAILABLE: u16 = 0x0080;

pub(super) struct Question {
    pub(super) id: u16,
    /// In lower case, without the trailing dot.
    pub(super) name: String,
    pub(super) record_type: u16,
    /// The UDP payload size of its OPT record, if it has one.
    pub(super) edns: Option<u16>,
    /// As it came, to be sent back.
    bytes: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Response {
    pub(super) code: u16,
    pub(super) is_truncated: bool,
    pub(super) alias: Option<(String, u32)>,
    pub(super) addresses: Vec<(IpAddr, u32)>,
    pub(super) has_soa: bool,
    /// Whether the server says that it does not recurse.
    pub(super) is_referral: bool,
    /// Of the records, where it is not IN.
    pub(super) class: Option<u16>,
    pub(super) foul: Option<Foul>,
}

impl Question {
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        let id = u16_at(message, 0)?;
        let is_query = u16_at(message, 2)? & FLAG_RESPONSE == 0 && u16_at(message, 4)? == 1;
        let mut labels = Vec::new();
        let mut at = 12;
        loop {
            let length = usize::from(*message.get(at)?);
            at += 1;
            match length {
                0 => break,
                1..64 => labels.push(std::str::from_utf8(message.get(at..at + length)?).ok()?.to_lowercase()),
                _ => return None,
            }
            at += length;
        }
        let record_type = u16_at(message, at)?;
        let bytes = message.get(12..at + 4)?.to_vec();
        // An OPT record can only be the next thing: owner (root), type, and the payload size in the class field.
        let has_opt = u16_at(message, at + 5) == Some(TYPE_OPT);
        let edns = u16_at(message, at + 7).filter(|_| has_opt);
        is_query.then(|| Self { id, name: labels.join("."), record_type, edns, bytes })
    }

    pub(super) fn to_query(&self, transport: Transport) -> Query {
        let record_type = RecordType::from_code(self.record_type);
        Query { name: self.name.clone(), record_type, transport, edns: self.edns }
    }

    pub(super) fn bare_header(&self, code: u16) -> Vec<u8> {
        let flags = FLAG_RESPONSE | FLAGS_RECURSION | code;
        [self.id, flags, 0, 0, 0, 0].into_iter().flat_map(u16::to_be_bytes).collect()
    }

    pub(super) fn respond(&self, response: &Response) -> Vec<u8> {
        let mut flags = FLAG_RESPONSE | FLAGS_RECURSION | (response.code & 0xF);
        let (mut id, mut question) = (self.id, self.bytes.clone());
        match response.foul {
            Some(Foul::Id) => id = id.wrapping_add(1),
            Some(Foul::Question) => question[1] = if question[1] == b'x' { b'y' } else { b'x' },
            Some(Foul::OpCode) => flags |= 2 << 11,
            Some(Foul::NoAnswer) => flags &= !FLAG_RESPONSE,
            None => {}
        }
        if response.is_referral {
            flags &= !FLAG_RECURSION_AVAILABLE;
        }
        if response.is_truncated {
            flags |= FLAG_TRUNCATED;
        }
        let answers = response.addresses.len() + usize::from(response.alias.is_some());
        let mut out = Vec::new();
        let counts = [1, answers as u16, u16::from(response.has_soa), u16::from(self.edns.is_some())];
        for field in [id, flags].into_iter().chain(counts) {
            out.extend(field.to_be_bytes());
        }
        out.extend(&question);
        let class = response.class.unwrap_or(CLASS_IN);
        let owner = match &response.alias {
            Some((target, ttl)) => {
                let target = encode_name(target);
                record(&mut out, &QUESTION_NAME, (TYPE_CNAME, class), *ttl, &target);
                target
            }
            None => QUESTION_NAME.to_vec(),
        };
        for (address, ttl) in &response.addresses {
            match address {
                IpAddr::V4(ip) => record(&mut out, &owner, (TYPE_A, class), *ttl, &ip.octets()),
                IpAddr::V6(ip) => record(&mut out, &owner, (TYPE_AAAA, class), *ttl, &ip.octets()),
            }
        }
        if response.has_soa {
            let names = [encode_name("ns.dns.test"), encode_name("hostmaster.dns.test")].concat();
            let numbers = [1_u32, 7200, 1800, 86400, 5].map(u32::to_be_bytes).concat();
            record(&mut out, &QUESTION_NAME, (TYPE_SOA, CLASS_IN), 5, &[names, numbers].concat());
        }
        if self.edns.is_some() {
            out.extend([0, 0, TYPE_OPT as u8, 0x10, 0, (response.code >> 4) as u8, 0, 0, 0, 0, 0]);
        }
        out
    }

    /// How long a UDP response may be.
    pub(super) fn payload_limit(&self) -> usize {
        self.edns.map_or(512, |size| usize::from(size.max(512)))
    }
}

fn u16_at(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?))
}

fn encode_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.trim_end_matches('.').split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

fn record(out: &mut Vec<u8>, owner: &[u8], (record_type, class): (u16, u16), ttl: u32, data: &[u8]) {
    out.extend(owner);
    out.extend(record_type.to_be_bytes());
    out.extend(class.to_be_bytes());
    out.extend(ttl.to_be_bytes());
    out.extend((data.len() as u16).to_be_bytes());
    out.extend(data);
}
