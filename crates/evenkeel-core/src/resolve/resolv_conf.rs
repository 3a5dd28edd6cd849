//! resolv.conf(5), as far as a lookup needs it.

use std::net::IpAddr;
use std::time::Duration;

/// What resolv.conf says: whom to ask, for which names, how patiently. The limits are the C library's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// The servers, in the order to ask them; three at most.
    pub servers: Vec<IpAddr>,
    /// The domains to search.
    pub search: Vec<String>,
    /// How many dots make a name be asked for as it is first. Default 1, at most 15.
    pub ndots: usize,
    /// How long one server has to answer. Default 5 s, from 1 to 30 s.
    pub timeout: Duration,
    /// How often the servers are asked in turn. Default 2, from 1 to 5.
    pub attempts: usize,
}

impl Default for ResolvConf {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        }
    }
}

impl ResolvConf {
    /// Parses the file's text. As the C library does, it skips what it does not understand.
    ///
    /// A server address with a zone (`fe80::1%eth0`) is skipped too: zones have no number here.
    pub fn parse(text: &str) -> Self {
        let mut conf = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    if let Some(Ok(address)) = words.next().map(str::parse)
                        && conf.servers.len() < 3
                    {
                        conf.servers.push(address);
                    }
                }
                // The last of these lines holds.
                Some("search") => conf.search = words.map(str::to_owned).collect(),
                Some("domain") => conf.search = words.take(1).map(str::to_owned).collect(),
                Some("options") => words.for_each(|word| conf.set_option(word)),
                _ => {}
            }
        }
        conf
    }

    fn set_option(&mut self, option: &str) {
        let Some((name, Ok(value))) =
            option.split_once(':').map(|(name, value)| (name, value.parse::<u32>()))
        else {
            return;
        };
        match name {
            "ndots" => self.ndots = value.min(15) as usize,
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.clamp(1, 30))),
            "attempts" => self.attempts = value.clamp(1, 5) as usize,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::ResolvConf;

    #[test]
    fn a_pods_file_is_understood_and_odd_lines_are_skipped() {
        let conf = ResolvConf::parse(
            "# made by kubelet\nsearch old\n; no\nnameserver 10.96.0.10\nnameserver fd00::a\nnameserver fe80::1%eth0\n\
             nameserver nonsense\nsearch ns.svc.cluster.local\tsvc.cluster.local\n\
             options ndots:5 timeout:0 attempts:9 edns0 ndots:x\n",
        );
        assert_eq!(
            conf.servers,
            ["10.96.0.10".parse::<std::net::IpAddr>().unwrap(), "fd00::a".parse().unwrap()]
        );
        assert_eq!(conf.search, ["ns.svc.cluster.local", "svc.cluster.local"]);
        assert_eq!((conf.ndots, conf.timeout, conf.attempts), (5, Duration::from_secs(1), 5));
        assert_eq!(ResolvConf::parse(""), ResolvConf::default());
        let many = "nameserver 127.0.0.1\n".repeat(5) + "domain a b";
        let conf = ResolvConf::parse(&many);
        assert_eq!((conf.servers.len(), conf.search), (3, vec!["a".to_owned()]));
    }
}
