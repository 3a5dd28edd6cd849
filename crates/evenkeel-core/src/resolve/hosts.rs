//! hosts(5): names that need no DNS.

use std::net::IpAddr;

/// The addresses that a hosts file gives `name`, in the file's order; none when it does not know it.
///
/// Bytes that are not UTF-8 spoil their own word alone.
pub fn addresses_in_hosts(bytes: &[u8], name: &str) -> Vec<IpAddr> {
    let name = without_final_dot(name);
    let mut addresses = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
        if words.any(|word| without_final_dot(word).eq_ignore_ascii_case(name))
            && !addresses.contains(&address)
        {
            addresses.push(address);
        }
    }
    addresses
}

fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::addresses_in_hosts;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn every_line_with_the_name_counts() {
        let text = b"# comment a\n127.0.0.1 localhost a # b\nbad a\n\n::1\tlocalhost A\r\n10.0.0.1 c a.x.\n127.0.0.1 a\n";
        assert_eq!(addresses_in_hosts(text, "a"), ips(&["127.0.0.1", "::1"]));
        assert_eq!(addresses_in_hosts(text, "a.x."), ips(&["10.0.0.1"]));
        assert_eq!(addresses_in_hosts(text, "A.X"), ips(&["10.0.0.1"]));
        assert_eq!(addresses_in_hosts(text, "b"), ips(&[]));
    }

    #[test]
    fn a_byte_that_is_not_utf_8_spoils_its_own_word_alone() {
        let text = b"# caf\xe9\n10.0.0.1 caf\xe9 a\n\xff 10.0.0.2 a\n10.0.0.3 a # \xff\n";
        assert_eq!(addresses_in_hosts(text, "a"), ips(&["10.0.0.1", "10.0.0.3"]));
    }
}
