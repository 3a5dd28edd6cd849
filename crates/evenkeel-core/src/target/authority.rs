//! What an endpoint is called on the wire.

use std::net::Ipv6Addr;

use super::host_port::name_fault;
use super::percent;

/// The `:authority` of calls to an endpoint that is written `name[:port]` or alike (gRPC naming).
///
/// It is the endpoint, percent-encoded, without what only this host's lookup needs: a name's final dot, which keeps it
/// out of the search list, and an IPv6 address' zone (RFC 6874 §4). `:port` becomes `localhost:port`, nothing
/// `localhost`, and an IPv6 address gets its brackets.
pub fn authority_of(endpoint: &str) -> String {
    let (host, port) = split_port(endpoint);
    if host.is_empty() {
        return format!("localhost{}", percent::encode(port, percent::AUTHORITY));
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let without_zone = bare.split('%').next().unwrap_or_default();
    if without_zone.parse::<Ipv6Addr>().is_ok() {
        return format!("[{without_zone}]{}", percent::encode(port, percent::AUTHORITY));
    }
    let host = host.strip_suffix('.').filter(|name| name_fault(name).is_none()).unwrap_or(host);
    percent::encode(&format!("{host}{port}"), percent::AUTHORITY)
}

/// The host, and the port with its colon, if there is one.
fn split_port(endpoint: &str) -> (&str, &str) {
    let end_of_brackets = endpoint.rfind(']').map_or(0, |at| at + 1);
    let after = &endpoint[end_of_brackets..];
    // More than one colon without brackets: an IPv6 address without a port.
    if end_of_brackets == 0 && after.matches(':').count() > 1 {
        return (endpoint, "");
    }
    endpoint.split_at(after.rfind(':').map_or(endpoint.len(), |at| end_of_brackets + at))
}

#[cfg(test)]
mod tests {
    use super::authority_of;

    #[test]
    fn what_only_the_lookup_needs_is_left_out() {
        let table = [
            ("a.b:1", "a.b:1"),
            ("a.b.:1", "a.b:1"),
            ("a.b.", "a.b"),
            ("a", "a"),
            ("a.:x", "a:x"),
            ("1.2.3.4:5", "1.2.3.4:5"),
            (":80", "localhost:80"),
            ("", "localhost"),
            ("::1", "[::1]"),
            ("[::1]:80", "[::1]:80"),
            ("[::1]", "[::1]"),
            ("[fe80::1%2]:80", "[fe80::1]:80"),
            ("fe80::1%2", "[fe80::1]"),
            ("a/b c", "a%2Fb%20c"),
            ("a/b.", "a%2Fb."),
            (".", "."),
            ("..:1", "..:1"),
        ];
        for (endpoint, authority) in table {
            assert_eq!(authority_of(endpoint), authority, "{endpoint}");
        }
    }
}
