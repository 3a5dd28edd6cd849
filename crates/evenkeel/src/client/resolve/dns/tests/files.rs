//! resolv.conf, hosts and the environment.

use std::net::Ipv4Addr;

use evenkeel_core::resolve::Environment;
use evenkeel_testkit::dns::{RecordType, Reply, Transport};

use super::warnings::Warnings;
use super::world::{World, endpoints, failure, ips, within};
use crate::client::resolve::Absence;

#[tokio::test]
async fn resolv_conf_is_read_again_for_each_lookup() {
    let world = World::new("").await;
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1"]));
    world.server.set_addresses("a.test.one.test", 1, ips(&["10.0.0.2"]));
    let mut line = world.resolve("dns:///a.test:1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1"]));
    world.set_resolv_conf("nameserver 127.0.0.1\nsearch one.test\noptions ndots:2");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.2:1"]));
}

#[tokio::test]
async fn no_server_means_this_host_and_that_is_said() {
    let (warnings, _guard) = Warnings::collect();
    for (conf, fault) in
        [(Some("# no server\n"), "names no server"), (Some(""), "names no server"), (None, "cannot be read")]
    {
        let world = World::new("").await;
        let path = world.dns.system.resolv_conf.clone();
        match conf {
            Some(text) => world.set_resolv_conf(text),
            None => std::fs::remove_file(&path).unwrap(),
        }
        world.server.set_addresses("a.test", 1, ips(&["10.0.0.1"]));
        let mut line = world.resolve("dns:///a.test:1");
        assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1"]));
        world.server.set_both("a.test", Reply::servfail());
        let reason = failure(line.answer().await);
        assert!(reason.contains(&format!("{} {fault}", path.display())), "{reason}");
        assert!(reason.contains(&format!("this host was asked, {}", world.server.address())), "{reason}");
        assert_eq!(warnings.count(&path.display().to_string()), 1);
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_are_told_once() {
    let (warnings, _guard) = Warnings::collect();
    let world = World::new("").await;
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    // A folder opens, and cannot be read.
    std::fs::remove_file(&world.dns.system.resolv_conf).unwrap();
    for path in [&world.dns.system.resolv_conf, &world.dns.system.hosts] {
        std::fs::create_dir(path).unwrap();
    }
    let mut line = world.resolve("dns:///a.test:1");
    for _ in 0..2 {
        assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    }
    assert_eq!(warnings.count("resolv.conf cannot be read: "), 2, "the fault, and what it means");
    assert_eq!(warnings.count("hosts cannot be read"), 1);
}

#[tokio::test]
async fn a_byte_that_is_not_utf_8_spoils_neither_file() {
    let world = World::new("").await;
    std::fs::write(&world.dns.system.hosts, b"# caf\xe9\n10.0.0.2 a.test\n10.0.0.1 a.test b\xff\n").unwrap();
    assert_eq!(world.resolve("dns:///a.test:1").answer().await, endpoints(&["10.0.0.2:1", "10.0.0.1:1"]));
    std::fs::write(&world.dns.system.resolv_conf, b"# \xff\nnameserver 127.0.0.1\nsearch \xfe one.test\n")
        .unwrap();
    world.server.set_addresses("b.one.test", 30, ips(&["10.0.0.3"]));
    assert_eq!(world.resolve("dns:///b:1").answer().await, endpoints(&["10.0.0.3:1"]));
}

#[tokio::test]
async fn the_environment_is_heard() {
    let mut world = World::new("search one.test").await;
    world.dns.system.environment = Environment {
        res_options: Some("ndots:3 no-aaaa".to_owned()),
        local_domain: Some("two.test".to_owned()),
        host_name: None,
    };
    world.server.set_addresses("a.b.two.test", 30, ips(&["10.0.0.1", "fd00::1"]));
    assert_eq!(world.resolve("dns:///a.b:1").answer().await, endpoints(&["10.0.0.1:1"]));
    assert_eq!(world.names(), ["a.b.two.test"]);
    assert!(world.server.queries().iter().all(|query| query.record_type == Some(RecordType::A)));
}

#[tokio::test]
async fn use_vc_asks_over_tcp_alone() {
    let world = World::new("options use-vc").await;
    world.server.set_addresses("a.test", 30, ips(&["10.0.0.1", "fd00::1"]));
    assert_eq!(world.resolve("dns:///a.test:1").answer().await, endpoints(&["10.0.0.1:1", "[fd00::1]:1"]));
    assert!(world.server.queries().iter().all(|query| query.transport == Transport::Tcp));
}

#[tokio::test]
async fn rotate_begins_with_another_server_each_time() {
    let world = World::new("").await;
    let other = world.server.start_beside(Ipv4Addr::new(127, 0, 0, 3)).await.unwrap();
    for (conf, expected) in [("", [4, 0]), ("options rotate", [2, 2])] {
        world.set_resolv_conf(&format!("nameserver 127.0.0.1\nnameserver 127.0.0.3\n{conf}"));
        let servers = [&world.server, &other];
        for server in servers {
            server.clear_queries();
            server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
        }
        let mut line = world.resolve("dns:///a.test:1");
        line.update().await;
        line.update().await;
        assert_eq!(servers.map(|server| server.queries().len()), expected, "{conf}");
    }
}

#[tokio::test]
async fn a_zone_may_be_an_interfaces_name() {
    let (warnings, _guard) = Warnings::collect();
    let world = World::new("").await;
    world.set_resolv_conf("nameserver fe80::53%lo\nnameserver fe80::53%7\nnameserver fe80::53%none0");
    let number = std::fs::read_to_string("/sys/class/net/lo/ifindex").unwrap_or_default();
    let settings = world.dns.system.settings(None);
    let servers: Vec<String> = settings.servers.iter().map(ToString::to_string).collect();
    let port = world.server.address().port();
    let lo = format!("[fe80::53%{}]:{port}", number.trim());
    let expected: Vec<String> =
        [lo, format!("[fe80::53%7]:{port}")].into_iter().filter(|text| !text.contains("%]")).collect();
    assert_eq!(servers, expected);
    world.set_resolv_conf("nameserver fe80::53%none0\nnameserver fe80::53%../lo\nnameserver 127.0.0.1");
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let mut line = world.resolve("dns:///a.test:1");
    for _ in 0..2 {
        assert_eq!(within(8, line.answer()).await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    }
    assert_eq!(warnings.count("fe80::53%none0 is left out"), 1);
}

#[tokio::test]
async fn what_the_hosts_file_knows_needs_no_server() {
    let (warnings, _guard) = Warnings::collect();
    let world = World::new("").await;
    world.set_hosts("10.0.0.2 a.test\n::ffff:10.0.0.1 a.test\n0.0.0.0 a.test blocked.test\n");
    let (answer, next) = world.resolve("dns:///a.test:1").next().await;
    assert_eq!(answer, endpoints(&["10.0.0.2:1", "10.0.0.1:1"]));
    assert!(next.is_some());
    let Err(Absence::Absent(reason)) = world.resolve("dns:///blocked.test:1").answer().await else {
        panic!()
    };
    assert!(reason.contains("hosts gives blocked.test no address"), "{reason}");
    assert_eq!(world.names(), [""; 0]);
    assert_eq!(warnings.count("addresses that nobody can be at, left out: 0.0.0.0"), 2);
}
