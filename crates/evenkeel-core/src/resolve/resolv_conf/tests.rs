use std::time::Duration;

use super::{Environment, NameServer, ResolvConf};

fn parse(text: &str) -> ResolvConf {
    ResolvConf::parse(text.as_bytes(), &Environment::default())
}

fn servers(conf: &ResolvConf) -> Vec<String> {
    let text = |server: &NameServer| match &server.zone {
        Some(zone) => format!("{}%{zone}", server.ip),
        None => server.ip.to_string(),
    };
    conf.servers.iter().map(text).collect()
}

#[test]
fn a_pods_file_is_understood_and_odd_lines_are_skipped() {
    let conf = parse(
        "# made by kubelet\nsearch old\n; no\nnameserver 10.96.0.10\nnameserver nonsense\nnameserver fe80::53%eth0\n\
         nameserver fd00::a # main\nsearch ns.svc.cluster.local\tsvc.cluster.local\r\n\
         options ndots:5 timeout:0 attempts:9 edns0 ndots trust-ad single-request\n",
    );
    assert_eq!(servers(&conf), ["10.96.0.10", "fe80::53%eth0", "fd00::a"]);
    assert_eq!(conf.search, ["ns.svc.cluster.local", "svc.cluster.local"]);
    assert_eq!((conf.ndots, conf.timeout, conf.attempts), (5, Duration::from_secs(1), 5));
    assert_eq!(parse(""), ResolvConf::default());
    let many = "nameserver 127.0.0.1\n".repeat(5) + "domain a b";
    let conf = parse(&many);
    assert_eq!((conf.servers.len(), conf.search), (3, vec!["a".to_owned()]));
    assert_eq!(parse("search a b\nsearch\ndomain \n").search, ["a", "b"], "these say nothing");
}

#[test]
fn addresses_of_servers() {
    let table: [(&str, &[&str]); 7] = [
        ("nameserver fe80::53%2", &["fe80::53%2"]),
        ("nameserver fe80::53%", &[]),
        ("nameserver 10.0.0.1%eth0", &[]),
        ("nameserver 0.0.0.0", &["127.0.0.1"]),
        ("nameserver ::", &["::1"]),
        ("nameserver", &[]),
        (" nameserver 10.0.0.1", &["10.0.0.1"]),
    ];
    for (text, expected) in table {
        assert_eq!(servers(&parse(text)), expected, "{text}");
    }
}

#[test]
fn numbers_are_held_to_the_c_librarys_bounds() {
    let table = [
        ("", (1, 5, 2)),
        ("ndots:0 timeout:1 attempts:1", (0, 1, 1)),
        ("ndots:16 timeout:31 attempts:6", (15, 30, 5)),
        ("ndots:15 timeout:30 attempts:5", (15, 30, 5)),
        ("ndots:99999999999 timeout:99999999999 attempts:99999999999", (15, 30, 5)),
        ("ndots:5x timeout:3s attempts:0", (5, 3, 1)),
        ("ndots: timeout:-1 attempts:x", (0, 1, 1)),
        ("ndots:x timeout: attempts:", (0, 1, 1)),
        ("NDOTS:3 ndots timeout attempts=3", (1, 5, 2)),
    ];
    for (options, expected) in table {
        let conf = parse(&format!("options {options}"));
        let found = (conf.ndots, conf.timeout.as_secs(), conf.attempts);
        assert_eq!(found, expected, "{options}");
    }
}

#[test]
fn switches() {
    assert!(parse("options rotate").rotate && !parse("options norotate").rotate);
    for name in ["use-vc", "usevc", "tcp"] {
        assert!(parse(&format!("options {name}")).use_tcp, "{name}");
    }
    assert!(parse("options no-aaaa").no_aaaa && parse("options no-tld-query").no_tld_query);
    let conf = parse("options edns0 inet6 trust-ad single-request-reopen debug no-reload");
    assert_eq!(conf, ResolvConf::default());
}

#[test]
fn the_environment_is_heard() {
    let environment = |options: Option<&str>, domain: Option<&str>| Environment {
        res_options: options.map(str::to_owned),
        local_domain: domain.map(str::to_owned),
        host_name: Some("node-1.corp.example\n".to_owned()),
    };
    let text = b"search a b\noptions ndots:2 timeout:3";
    let conf = ResolvConf::parse(text, &environment(Some("ndots:5 rotate"), Some("x\ty")));
    assert_eq!((conf.ndots, conf.timeout.as_secs(), conf.rotate), (5, 3, true));
    assert_eq!(conf.search, ["x", "y"]);
    assert!(ResolvConf::parse(text, &environment(None, Some(""))).search.is_empty());
    assert_eq!(ResolvConf::parse(text, &environment(None, None)).search, ["a", "b"]);
    assert_eq!(ResolvConf::parse(b"", &environment(None, None)).search, ["corp.example"]);
    assert_eq!(ResolvConf::parse(b"search\n", &environment(None, None)).search, ["corp.example"]);
    let short = Environment { host_name: Some("pod-1".to_owned()), ..Environment::default() };
    assert!(ResolvConf::parse(b"", &short).search.is_empty());
}

#[test]
fn a_byte_that_is_not_utf_8_spoils_its_own_word_alone() {
    let text =
        b"# caf\xe9\nnameserver 10.0.0.1\nsearch a.test b\xff.test\nnameserver \xff\noptions ndots:5 \xfe\n";
    let conf = ResolvConf::parse(text, &Environment::default());
    assert_eq!((servers(&conf), conf.ndots), (vec!["10.0.0.1".to_owned()], 5));
    assert_eq!(conf.search, ["a.test", "b\u{fffd}.test"]);
}
