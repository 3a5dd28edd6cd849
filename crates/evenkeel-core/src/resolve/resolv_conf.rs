//! resolv.conf(5), as far as a lookup needs it.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// As many servers as the C library takes.
const MAX_SERVERS: usize = 3;
const MAX_NDOTS: u32 = 15;
const MAX_TIMEOUT: u32 = 30;
const MAX_ATTEMPTS: u32 = 5;

/// What resolv.conf and its environment variables say: whom to ask, for which names, how patiently. The limits are the
/// C library's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// The servers, in the order to ask them; three at most. Without any, this host is meant.
    pub servers: Vec<NameServer>,
    /// The domains to search.
    pub search: Vec<String>,
    /// How many dots make a name be asked for as it is first. Default 1, at most 15.
    pub ndots: usize,
    /// How long one server has to answer. Default 5 s, from 1 to 30 s.
    pub timeout: Duration,
    /// How often the servers are asked in turn. Default 2, from 1 to 5.
    pub attempts: usize,
    /// `rotate`: each lookup begins with another server. Default no.
    pub rotate: bool,
    /// `use-vc`: questions go over TCP from the first. Default no.
    pub use_tcp: bool,
    /// `no-aaaa`: only A records are asked for. Default no.
    pub no_aaaa: bool,
    /// `no-tld-query`: a name without a dot is not asked for as it is after the search list. Default no.
    pub no_tld_query: bool,
}

/// A DNS server's address as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// Its address.
    pub ip: IpAddr,
    /// The zone of a link-local address, behind the `%`: an interface's name or its number.
    pub zone: Option<String>,
}

/// What the process's environment and host say, each of them only if it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `RES_OPTIONS`: options on top of the file's.
    pub res_options: Option<String>,
    /// `LOCALDOMAIN`: domains that replace the file's search list.
    pub local_domain: Option<String>,
    /// The host's name: what follows its first dot is the search list of a file that has none.
    pub host_name: Option<String>,
}

impl Default for ResolvConf {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_tcp: false,
            no_aaaa: false,
            no_tld_query: false,
        }
    }
}

impl ResolvConf {
    /// Parses the file's bytes. As the C library does, it skips what it does not understand; bytes that are not UTF-8
    /// spoil their own word alone.
    pub fn parse(bytes: &[u8], environment: &Environment) -> Self {
        let mut conf = Self::default();
        let mut search = None;
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => conf.servers.extend(words.next().and_then(NameServer::parse)),
                // The last of these lines holds; without a domain, it is none.
                Some("search") => search = domains(words).or(search),
                Some("domain") => search = domains(words.take(1)).or(search),
                Some("options") => words.for_each(|word| conf.set_option(word)),
                _ => {}
            }
        }
        conf.servers.truncate(MAX_SERVERS);
        let from_environment = environment.local_domain.as_deref().map(in_words);
        conf.search = from_environment.or(search).unwrap_or_else(|| environment.domain_of_host());
        for word in environment.res_options.as_deref().unwrap_or_default().split_whitespace() {
            conf.set_option(word);
        }
        conf
    }

    fn set_option(&mut self, option: &str) {
        match option {
            "rotate" => self.rotate = true,
            "use-vc" | "usevc" | "tcp" => self.use_tcp = true,
            "no-aaaa" => self.no_aaaa = true,
            "no-tld-query" => self.no_tld_query = true,
            _ => {}
        }
        let Some((name, value)) = option.split_once(':') else { return };
        let value = number(value);
        match name {
            "ndots" => self.ndots = value.min(MAX_NDOTS) as usize,
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.clamp(1, MAX_TIMEOUT))),
            "attempts" => self.attempts = value.clamp(1, MAX_ATTEMPTS) as usize,
            _ => {}
        }
    }
}

impl NameServer {
    /// Parses an address, perhaps with a zone.
    pub fn parse(text: &str) -> Option<Self> {
        let (ip, zone) = match text.split_once('%') {
            Some((ip, zone)) if !zone.is_empty() => (IpAddr::V6(ip.parse().ok()?), Some(zone.to_owned())),
            Some(_) => return None,
            None => (text.parse().ok()?, None),
        };
        // Nobody is at these; for a server, the C library takes them for this host.
        let ip = match ip {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Some(Self { ip, zone })
    }
}

impl Environment {
    fn domain_of_host(&self) -> Vec<String> {
        let name = self.host_name.as_deref().unwrap_or_default().trim();
        let domain = name.split_once('.').map(|(_, domain)| domain).filter(|domain| !domain.is_empty());
        domain.map(str::to_owned).into_iter().collect()
    }
}

fn domains<'a>(words: impl Iterator<Item = &'a str>) -> Option<Vec<String>> {
    let domains: Vec<_> = words.map(str::to_owned).collect();
    (!domains.is_empty()).then_some(domains)
}

fn in_words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The number that a text begins with, as the C library reads it: 0 without one, and the largest for one too large.
fn number(text: &str) -> u32 {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold(0, |sum: u32, digit| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
}
