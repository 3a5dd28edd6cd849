//! Questions, read from messages (RFC 1035 §4.1, EDNS of RFC 6891).

use std::net::IpAddr;

/// How many bytes of a message come before its question.
pub(super) const HEADER: usize = 12;
/// The Internet's class.
pub(super) const CLASS_IN: u16 = 1;
pub(super) const TYPE_A: u16 = 1;
pub(super) const TYPE_AAAA: u16 = 28;
pub(super) const TYPE_OPT: u16 = 41;
pub(super) const FLAG_RESPONSE: u16 = 0x8000;
pub(super) const FLAG_RECURSION_DESIRED: u16 = 0x0100;
/// Of the operation code's four bits, the last one's place.
pub(super) const OPCODE_SHIFT: u32 = 11;
/// Without EDNS an answer over UDP has at most this many bytes (RFC 1035 §4.2.1).
const PLAIN_UDP_LIMIT: u16 = 512;
/// The bytes of a name, with the lengths of its labels (RFC 1035 §2.3.4).
const MOST_NAME_BYTES: usize = 255;

/// A question as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// By which its sender knows the answer.
    pub id: u16,
    /// What is wanted of the server; 0 is an answer to a question.
    pub opcode: u8,
    /// Whether the server is to ask others where it does not know (RD).
    pub is_recursion_desired: bool,
    /// In lower case, without the dot at the end.
    pub name: String,
    /// None when it is neither A nor AAAA.
    pub record_type: Option<RecordType>,
    /// Whose names are meant; 1 is the Internet.
    pub class: u16,
    /// How it came.
    pub transport: Transport,
    /// How many bytes the client says it can take in one datagram; None when it does not speak EDNS.
    pub edns: Option<u16>,
    /// Name, type and class, to be repeated as they came: some clients change letter cases on purpose.
    pub question: Vec<u8>,
}

/// The types of records that hold addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordType {
    /// IPv4.
    A,
    /// IPv6.
    Aaaa,
}

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// Over a connection.
    Tcp,
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl Query {
    /// Reads one question; None for what is cut off, is an answer, or has not exactly one question.
    pub fn parse(message: &[u8], transport: Transport) -> Option<Self> {
        let mut reader = Reader { message, at: 0 };
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let [questions, answers, authorities, additionals] =
            [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        if flags & FLAG_RESPONSE != 0 || questions != 1 {
            return None;
        }
        let name = reader.name()?;
        let (record_type, class) = (RecordType::from_code(reader.u16()?), reader.u16()?);
        let question = message.get(HEADER..reader.at)?.to_vec();
        let mut edns = None;
        for _ in 0..u32::from(answers) + u32::from(authorities) + u32::from(additionals) {
            if let Some(size) = reader.record()? {
                edns = Some(size);
            }
        }
        let opcode = ((flags >> OPCODE_SHIFT) & 0xF) as u8;
        let is_recursion_desired = flags & FLAG_RECURSION_DESIRED != 0;
        Some(Self { id, opcode, is_recursion_desired, name, record_type, class, transport, edns, question })
    }

    /// Whether it is a plain question about the Internet's names.
    pub fn is_answerable(&self) -> bool {
        self.class == CLASS_IN && self.opcode == 0
    }

    /// How many bytes an answer may have.
    pub fn limit(&self) -> usize {
        usize::from(match self.transport {
            // RFC 6891 §6.2.3: less than 512 means 512.
            Transport::Udp => self.edns.unwrap_or(PLAIN_UDP_LIMIT).max(PLAIN_UDP_LIMIT),
            Transport::Tcp => u16::MAX,
        })
    }
}

impl RecordType {
    /// The type of the record that this address is in.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::A,
            IpAddr::V6(_) => Self::Aaaa,
        }
    }

    fn from_code(code: u16) -> Option<Self> {
        match code {
            TYPE_A => Some(Self::A),
            TYPE_AAAA => Some(Self::Aaaa),
            _ => None,
        }
    }
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
        let (start, mut name) = (self.at, String::new());
        loop {
            let length = self.u8()?;
            if length > 63 || self.at - start + usize::from(length) > MOST_NAME_BYTES {
                return None;
            }
            if length == 0 {
                return Some(name);
            }
            if !name.is_empty() {
                name.push('.');
            }
            let label = self.take(usize::from(length))?;
            name.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
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
