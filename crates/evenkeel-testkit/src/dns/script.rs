//! What the scripted server answers.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use evenkeel_lab::dns::{
    NAME_ERROR, Query, REFUSED, Reaction, RecordType, Response, SERVER_FAILURE, Soa, Transport,
};

use super::foul::Foul;

/// How long "nothing" may be kept, in seconds.
const NOTHING_TTL: u32 = 5;

/// What to answer to one question.
#[derive(Clone, Debug)]
pub struct Reply {
    kind: Kind,
    delay: Duration,
    truncation: Truncation,
    alias: Option<(String, u32)>,
    counts_since: Option<Instant>,
    class: Option<u16>,
    /// What comes instead to a question with EDNS.
    to_edns: Option<Box<Reply>>,
    foul: Option<Foul>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truncation {
    TooLong,
    Udp,
    UdpInTheMiddle,
    UdpThenSilence,
    Always,
}

#[derive(Clone, Debug)]
enum Kind {
    Addresses(Vec<(IpAddr, u32)>),
    Negative { code: u16 },
    Error { code: u16 },
    Referral,
    BareHeader { code: u16 },
    Silence,
    HangUp,
    Garbage,
}

impl Reply {
    /// Address records, all with this TTL in seconds. Those of the family that was not asked for are left out.
    pub fn addresses(ttl: u32, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self::records(addresses.into_iter().map(|address| (address, ttl)))
    }

    /// Address records, each with its TTL in seconds.
    pub fn records(records: impl IntoIterator<Item = (IpAddr, u32)>) -> Self {
        Self::new(Kind::Addresses(records.into_iter().collect()))
    }

    /// The name does not exist; with a SOA record.
    pub fn nxdomain() -> Self {
        Self::new(Kind::Negative { code: NAME_ERROR })
    }

    /// The name has no record of this type; with a SOA record.
    pub fn no_data() -> Self {
        Self::new(Kind::Negative { code: 0 })
    }

    /// An error of this code, up to 4095: above 15 it takes a question with EDNS to say it.
    pub fn error(code: u16) -> Self {
        Self::new(Kind::Error { code })
    }

    /// The server has trouble.
    pub fn servfail() -> Self {
        Self::error(SERVER_FAILURE)
    }

    /// The server does not want to.
    pub fn refused() -> Self {
        Self::error(REFUSED)
    }

    /// No record and no error, by a server that neither speaks for the name's zone nor asks those who do.
    pub fn referral() -> Self {
        Self::new(Kind::Referral)
    }

    /// A header with this code and nothing else, not even the question.
    pub fn bare_header(code: u16) -> Self {
        Self::new(Kind::BareHeader { code })
    }

    /// No answer at all; over TCP the connection stays open for the next question.
    pub fn silence() -> Self {
        Self::new(Kind::Silence)
    }

    /// No answer; over TCP the connection is closed.
    pub fn hang_up() -> Self {
        Self::new(Kind::HangUp)
    }

    /// Bytes that are no DNS message, but begin with the right id.
    pub fn garbage() -> Self {
        Self::new(Kind::Garbage)
    }

    /// A fine answer to somebody else's question.
    pub fn wrong_id() -> Self {
        Self::no_data().foul(Foul::Id)
    }

    /// It does not belong to its question; beside [`Reply::truncated`], that goes for the answer over TCP alone.
    #[must_use]
    pub fn foul(mut self, foul: Foul) -> Self {
        self.foul = Some(foul);
        self
    }

    /// A question with EDNS gets `reply` instead.
    #[must_use]
    pub fn with_edns(mut self, reply: Self) -> Self {
        self.to_edns = Some(Box::new(reply));
        self
    }

    /// The records are of this class, instead of IN.
    #[must_use]
    pub fn of_class(mut self, class: u16) -> Self {
        self.class = Some(class);
        self
    }

    /// Comes after `delay`.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Over UDP only the first record comes, with the truncation flag. Without this, that happens to what is too long.
    #[must_use]
    pub fn truncated(mut self) -> Self {
        self.truncation = Truncation::Udp;
        self
    }

    /// As [`Reply::truncated`], but the datagram ends in the middle of a record.
    #[must_use]
    pub fn truncated_in_the_middle(mut self) -> Self {
        self.truncation = Truncation::UdpInTheMiddle;
        self
    }

    /// As [`Reply::truncated`], but over TCP nothing comes at all.
    #[must_use]
    pub fn truncated_then_silence(mut self) -> Self {
        self.truncation = Truncation::UdpThenSilence;
        self
    }

    /// Over TCP, too, only the first record comes, with the truncation flag.
    #[must_use]
    pub fn always_truncated(mut self) -> Self {
        self.truncation = Truncation::Always;
        self
    }

    /// The name is an alias (CNAME, with this TTL in seconds) of `target`, which the records belong to.
    #[must_use]
    pub fn through_alias(mut self, target: &str, ttl: u32) -> Self {
        self.alias = Some((target.to_owned(), ttl));
        self
    }

    /// The TTLs count down from now on, as a cache's do, and start anew when they reach 0.
    #[must_use]
    pub fn counting_down(mut self) -> Self {
        self.counts_since = Some(Instant::now());
        self
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            delay: Duration::ZERO,
            truncation: Truncation::TooLong,
            alias: None,
            counts_since: None,
            class: None,
            to_edns: None,
            foul: None,
        }
    }

    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    pub(super) fn reaction(&self, query: &Query) -> Reaction {
        if let Some(reply) = self.to_edns.as_ref().filter(|_| query.edns.is_some()) {
            return reply.reaction(query);
        }
        let mut response = Response::to(query);
        response.is_recursion_available = true;
        match &self.kind {
            Kind::Addresses(records) => response.addresses = self.remaining(records, query),
            Kind::Negative { code } => {
                // The root, as every name lies in it.
                let soa = Soa { zone: String::new(), ttl: NOTHING_TTL };
                (response.code, response.soa) = (*code, Some(soa));
            }
            Kind::Error { code } => response.code = *code,
            Kind::Referral => response.is_recursion_available = false,
            Kind::BareHeader { code } => {
                (response.code, response.question, response.has_opt) = (*code, Vec::new(), false);
                return Reaction::Message(response.encode(query.limit()));
            }
            Kind::Garbage => {
                return Reaction::Message([&query.id.to_be_bytes()[..], &[0xFF; 9]].concat());
            }
            Kind::Silence => return Reaction::Silence,
            Kind::HangUp => return Reaction::HangUp,
        }
        response.alias = self.alias.clone();
        response.class = self.class.unwrap_or(response.class);
        let is_udp = query.transport == Transport::Udp;
        if let Some(foul) = self.foul.filter(|_| !is_udp || self.truncation != Truncation::Udp) {
            foul.spoil(&mut response);
        }
        self.cut(response, query, is_udp)
    }

    /// The response, or as much of it as shall come.
    fn cut(&self, mut response: Response, query: &Query, is_udp: bool) -> Reaction {
        let whole = response.encode(usize::MAX);
        let is_truncated = match self.truncation {
            Truncation::TooLong => is_udp && whole.len() > query.limit(),
            Truncation::Udp | Truncation::UdpInTheMiddle => is_udp,
            Truncation::UdpThenSilence if !is_udp => return Reaction::Silence,
            Truncation::UdpThenSilence => true,
            Truncation::Always => true,
        };
        if !is_truncated {
            return Reaction::Message(whole);
        }
        response.is_truncated = true;
        if self.truncation == Truncation::UdpInTheMiddle {
            let mut bytes = response.encode(usize::MAX);
            bytes.truncate(bytes.len() - 13);
            return Reaction::Message(bytes);
        }
        response.addresses.truncate(1);
        Reaction::Message(response.encode(usize::MAX))
    }

    fn remaining(&self, records: &[(IpAddr, u32)], query: &Query) -> Vec<(IpAddr, u32)> {
        let elapsed = self.counts_since.map_or(0, |since| since.elapsed().as_secs() as u32);
        records
            .iter()
            .filter(|(address, _)| query.record_type == Some(RecordType::of(*address)))
            .map(|(address, ttl)| (*address, ttl - elapsed.checked_rem(*ttl).unwrap_or(0)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::answer;
    use super::{Query, Reaction, Reply, Transport};

    /// An A question for `a.b`, without EDNS.
    const QUESTION: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x01B\0\0\x01\0\x01";

    #[test]
    fn a_cached_ttl_counts_down_and_starts_anew() {
        let query = Query::parse(QUESTION, Transport::Udp).unwrap();
        assert_eq!((query.name.as_str(), query.edns), ("a.b", None));
        for (seconds, ttl) in [(0, 10), (7, 3), (9, 1), (10, 10), (25, 5)] {
            let mut reply = Reply::addresses(10, ["1.2.3.4".parse().unwrap(), "::1".parse().unwrap()]);
            reply.counts_since = Instant::now().checked_sub(Duration::from_secs(seconds));
            let answer = [b"\xC0\x0C\0\x01\0\x01\0\0\0", &[ttl][..], b"\0\x04\x01\x02\x03\x04"].concat();
            let header = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0";
            let expected = [&header[..], &QUESTION[12..], &answer].concat();
            assert_eq!(reply.reaction(&query), Reaction::Message(expected), "{seconds}");
        }
    }

    #[test]
    fn what_is_no_question_is_not_answered() {
        for length in 0..QUESTION.len() {
            let answer = answer(&QUESTION[..length], Transport::Udp, |_| panic!("asked for a reply"));
            assert_eq!(answer, None, "{length}");
        }
    }
}
