//! hosts(5): names that need no DNS.

use std::net::IpAddr;

/// The addresses that a hosts file gives `name`, in the file's order; none when it does not know it.
pub fn addresses_in_hosts(text: &str, name: &str) -> Vec<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut addresses = Vec::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
        if words.any(|word| word.eq_ignore_ascii_case(name)) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::addresses_in_hosts;

    #[test]
    fn every_line_with_the_name_counts() {
        let text = "# comment a\n127.0.0.1 localhost a # b\nbad a\n\n::1\tlocalhost A\n10.0.0.1 c a.x\n127.0.0.1 a\n";
        let ips = |texts: &[&str]| texts.iter().map(|t| t.parse().unwrap()).collect::<Vec<IpAddr>>();
        assert_eq!(addresses_in_hosts(text, "a"), ips(&["127.0.0.1", "::1"]));
        assert_eq!(addresses_in_hosts(text, "a.x."), ips(&["10.0.0.1"]));
        assert_eq!(addresses_in_hosts(text, "b"), ips(&[]));
    }
}
