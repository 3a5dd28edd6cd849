use std::net::SocketAddr;

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

use super::{HostPort, Target, TargetError, parse_ip_list};

const KNOWN: [&str; 7] = ["dns", "passthrough", "manual", "ipv4", "ipv6", "unix", "unix-abstract"];

fn parse(text: &str) -> Result<Target, TargetError> {
    Target::parse(text, |scheme| KNOWN.contains(&scheme))
}

#[test]
fn targets_have_one_canonical_form() {
    // text, scheme, authority, endpoint, canonical
    let table = [
        ("host:50051", "dns", "", "host:50051", "dns:///host:50051"),
        ("dns:host:50051", "dns", "", "host:50051", "dns:///host:50051"),
        ("DNS:///host", "dns", "", "host", "dns:///host"),
        ("dns://10.0.0.10:53/a.b:1", "dns", "10.0.0.10:53", "a.b:1", "dns://10.0.0.10:53/a.b:1"),
        ("dns://[::1]/a:1", "dns", "[::1]", "a:1", "dns://[::1]/a:1"),
        ("127.0.0.1:80", "dns", "", "127.0.0.1:80", "dns:///127.0.0.1:80"),
        ("[::1]:80", "dns", "", "[::1]:80", "dns:///[::1]:80"),
        (":80", "dns", "", ":80", "dns:///:80"),
        ("unknown:80", "dns", "", "unknown:80", "dns:///unknown:80"),
        ("dns:///host:1?a=b#c", "dns", "", "host:1", "dns:///host:1"),
        ("unix:rel/a", "unix", "", "rel/a", "unix:rel/a"),
        ("unix:///tmp/a%20b", "unix", "", "tmp/a b", "unix:///tmp/a%20b"),
        ("unix:/tmp/a", "unix", "", "tmp/a", "unix:///tmp/a"),
        ("unix-abstract:name", "unix-abstract", "", "name", "unix-abstract:name"),
        ("ipv4:1.2.3.4:5,6.7.8.9:10", "ipv4", "", "1.2.3.4:5,6.7.8.9:10", "ipv4:1.2.3.4:5,6.7.8.9:10"),
        ("passthrough:///a:1", "passthrough", "", "a:1", "passthrough:///a:1"),
        ("manual:", "manual", "", "", "manual:"),
    ];
    for (text, scheme, authority, endpoint, canonical) in table {
        let target = parse(text).unwrap();
        assert_eq!(target.scheme(), scheme, "{text}");
        assert_eq!(target.authority(), authority, "{text}");
        assert_eq!(target.endpoint(), endpoint, "{text}");
        assert_eq!(target.to_string(), canonical, "{text}");
    }
    assert_eq!(parse("unix:///tmp/a").unwrap().path(), "/tmp/a");
    assert_eq!(parse(""), Err(TargetError::Empty));
    for zone in ["%2", "%252"] {
        assert_eq!(parse(&format!("dns:///[fe80::1{zone}]:5")).unwrap().endpoint(), "[fe80::1%2]:5");
    }
    assert_eq!(parse("dns:///[fe80::1%eth0]:5").unwrap().endpoint(), "[fe80::1%eth0]:5");
    for text in ["unix:/a%", "unix:/a%zz", "dns:///a%ff"] {
        assert!(matches!(parse(text), Err(TargetError::Endpoint { .. })), "{text}");
    }
    assert_eq!(parse("etcd://a:1"), Err(TargetError::UnknownScheme { scheme: "etcd".into() }));
}

#[test]
fn a_url_says_what_to_write_instead() {
    let tls = " and turn TLS on in the channel's builder";
    let table = [
        ("HTTP://a.b:1", "`dns:///a.b:1`".to_owned()),
        ("http://a.b:1/path?q#f", "`dns:///a.b:1`".to_owned()),
        ("http://user:secret@a.b:1", "`dns:///a.b:1`".to_owned()),
        ("http://a.b", "`dns:///a.b:80`".to_owned()),
        ("https://a.b", format!("`dns:///a.b:443`{tls}")),
        ("https://[::1]:5", format!("`dns:///[::1]:5`{tls}")),
        ("https://[::1]", format!("`dns:///[::1]:443`{tls}")),
        ("grpc://a.b:1", "`dns:///a.b:1`".to_owned()),
        ("grpcs://a.b", format!("`dns:///a.b`{tls}")),
        ("tcp://10.0.0.1:5", "`dns:///10.0.0.1:5`".to_owned()),
        ("http://", "`dns:///host:port`".to_owned()),
        ("http://a b", "`dns:///host:port`".to_owned()),
    ];
    for (text, instead) in table {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.ends_with(&format!("a target is not a URL; write {instead}")), "{text}: {message}");
    }
    assert_eq!(parse("http:80").unwrap().endpoint(), "http:80", "a host of that name");
}

#[test]
fn the_default_authority_is_the_endpoint() {
    let table = [
        ("dns:///a.b:1", "a.b:1"),
        ("dns:///a.b", "a.b"),
        (":80", "localhost:80"),
        ("manual:", "localhost"),
        ("manual:///a/b c", "a%2Fb%20c"),
        ("dns:///[::1]:80", "[::1]:80"),
        ("dns:///a.b.:1", "a.b:1"),
        ("a.b.", "a.b"),
    ];
    for (text, authority) in table {
        assert_eq!(parse(text).unwrap().default_authority(), authority, "{text}");
    }
}

#[test]
fn hosts_and_ports_are_told_apart() {
    let ip = |text: &str| Ok(HostPort::Ip(text.parse::<SocketAddr>().unwrap()));
    let name = |host: &str, port| Ok(HostPort::Name { host: host.into(), port });
    let host = |host: &str, reason| Err(TargetError::Host { host: host.into(), reason });
    let port = |host: &str, port: &str| Err(TargetError::Port { host: host.into(), port: port.into() });
    let colons = "more than one colon, and not an IPv6 address";
    let zone =
        "the zone behind the `%` must be the network interface's number, not its name (`ip link` shows it)";
    let table = [
        ("a.b", name("a.b", 443)),
        ("a.b.:1", name("a.b.", 1)),
        (":80", name("localhost", 80)),
        ("a_b-c:65535", name("a_b-c", 65535)),
        ("1.2.3.4", ip("1.2.3.4:443")),
        ("1.2.3.4:5", ip("1.2.3.4:5")),
        ("::1", ip("[::1]:443")),
        ("[::1]", ip("[::1]:443")),
        ("[2001:db8::1]:5", ip("[2001:db8::1]:5")),
        ("2001:db8::1:5", ip("[2001:db8::1:5]:443")),
        ("fe80::1%2", ip("[fe80::1%2]:443")),
        ("", host("", "it is empty")),
        (":", port("", "")),
        ("a:", port("a", "")),
        ("[::1]:", port("::1", "")),
        ("a:http", port("a", "http")),
        ("a:0", port("a", "0")),
        ("a:+1", port("a", "+1")),
        ("a:65536", port("a", "65536")),
        ("a:b:1", host("a:b:1", colons)),
        ("::1%eth0", host("::1%eth0", zone)),
        ("[fe80::1%eth0]:5", host("fe80::1%eth0", zone)),
        ("fe80::1%", host("fe80::1%", zone)),
        ("fe80::1%4294967296", host("fe80::1%4294967296", zone)),
        ("[fe80::1%2]:5", ip("[fe80::1%2]:5")),
        ("[::1", host("[::1", "a `[` is not closed")),
        ("[::1]x", host("[::1]x", "`]` is followed by something other than a port")),
        ("[a]:1", host("a", "not an IPv6 address, but in brackets")),
        ("a..b", host("a..b", "a label is empty")),
        (".", host(".", "a label is empty")),
        ("a/b:1", host("a/b", "only letters, digits, `-`, `_` and `.` make a DNS name")),
        ("1.2024.", host("1.2024.", "neither an IP address nor a DNS name")),
        ("svc.2024:1", name("svc.2024", 1)),
        ("256.1.1.1", host("256.1.1.1", "neither an IP address nor a DNS name")),
    ];
    for (text, expected) in table {
        assert_eq!(HostPort::parse(text, 443), expected, "{text}");
    }
    let long = "a".repeat(64);
    assert_eq!(HostPort::parse(&long, 1), host(&long, "a label is longer than 63 characters"));
    let long = ["a"; 128].join(".");
    assert_eq!(HostPort::parse(&long, 1), host(&long, "longer than 253 characters"));
}

#[test]
fn address_lists_hold_one_family() {
    let list = |texts: &[&str]| Ok(texts.iter().map(|t| t.parse::<SocketAddr>().unwrap()).collect());
    assert_eq!(parse_ip_list("1.2.3.4:5,6.7.8.9", false), list(&["1.2.3.4:5", "6.7.8.9:443"]));
    assert_eq!(parse_ip_list("[::1]:5,::2", true), list(&["[::1]:5", "[::2]:443"]));
    for (text, is_v6) in
        [("", false), ("1.2.3.4,", false), ("[::1]:5", false), ("1.2.3.4:5", true), ("a:1", false)]
    {
        assert!(matches!(parse_ip_list(text, is_v6), Err(TargetError::Address { .. })), "{text}");
    }
    assert!(matches!(parse_ip_list("1.2.3.4:x", false), Err(TargetError::Port { .. })));
    assert!(matches!(parse_ip_list("[fe80::1%eth0]:5", true), Err(TargetError::Host { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_the_canonical_form_means_the_same(text in "([a-z:/]{0,8})?[ -~é%\\[\\]:/.,]{0,24}") {
        if let Ok(target) = parse(&text) {
            prop_assert_eq!(&parse(&target.to_string()).unwrap(), &target);
            let _ = target.default_authority();
            let _ = parse_ip_list(target.endpoint(), true);
        }
    }

    #[test]
    fn any_host_and_port_that_parses_is_displayed_as_it_is_parsed(text in any::<String>()) {
        if let Ok(parsed) = HostPort::parse(&text, 443) {
            prop_assert_eq!(HostPort::parse(&parsed.to_string(), 1).unwrap(), parsed);
        }
    }
}
