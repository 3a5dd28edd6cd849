//! Whom the resolver asks, and for which names.

use evenkeel_core::target::{Target, TargetError};
use evenkeel_testkit::dns::{RecordType, Reply};

use super::super::loopback;
use super::world::{World, endpoints, ips};
use crate::client::Refresh;
use crate::client::resolve::{ResolveContext, ResolverFactory};

#[tokio::test]
async fn the_targets_own_server_is_asked_even_without_a_resolv_conf() {
    let world = World::new("").await;
    std::fs::remove_file(&world.dns.system.resolv_conf).unwrap();
    world.set_hosts("10.0.0.9 a.test");
    world.server.set("a.test", RecordType::A, Reply::addresses(30, ips(&["10.0.0.1"])));
    for host in ["127.0.0.1", "localhost"] {
        let target = format!("dns://{host}:{}/a.test:1", world.server.address().port());
        assert_eq!(world.resolve(&target).answer().await, endpoints(&["10.0.0.1:1"]));
    }
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_is_silent() {
    let world = World::new("").await;
    world.server.set_addresses("a.test", 30, ips(&["10.0.0.1"]));
    // Nobody listens on 127.0.0.2 at the server's port.
    world.set_resolv_conf("nameserver 127.0.0.2\nnameserver 127.0.0.1\noptions timeout:1 attempts:3");
    assert_eq!(world.resolve("dns:///a.test:1").answer().await, endpoints(&["10.0.0.1:1"]));
}

#[tokio::test]
async fn literals_and_localhost_need_no_lookup() {
    let world = World::new("").await;
    let table = [
        ("dns:///10.0.0.1", endpoints(&["10.0.0.1:443"])),
        ("[::1]:50051", endpoints(&["[::1]:50051"])),
        ("LOCALHOST:1", Ok([loopback(1)].into())),
        (":1", Ok([loopback(1)].into())),
        ("a.localhost.:1", Ok([loopback(1)].into())),
    ];
    for (target, answer) in table {
        let mut line = world.resolve(target);
        assert_eq!(line.next().await, (answer, None), "{target}");
        line.hang_up().await;
    }
    assert_eq!(world.names(), [""; 0]);
}

#[tokio::test]
async fn a_bad_target_names_the_part_at_fault() {
    let world = World::new("").await;
    let table = [
        ("dns:///", "endpoint ``: it is empty"),
        (
            "dns://a.b:50051",
            "authority `a.b:50051`: that is the DNS server, and no name follows; a name alone has three slashes: \
             `dns:///host:port`",
        ),
        (
            "dns:///[fe80::1%eth0]:1",
            "host `fe80::1%eth0`: the zone behind the `%` must be the network interface's number, not its name \
             (`ip link` shows it)",
        ),
        ("dns:///a:", "port `` of `a` is not a number from 1 to 65535"),
        ("dns:///a:x", "port `x` of `a` is not a number from 1 to 65535"),
        ("dns:///[::1", "host `[::1`: a `[` is not closed"),
        ("dns://a.b/c", "authority `a.b`: the DNS server must be given by its IP address"),
        ("dns://1.2.3.4:x/c", "port `x` of `1.2.3.4` is not a number from 1 to 65535"),
    ];
    for (text, message) in table {
        let target = Target::parse(text, |scheme| scheme == "dns").unwrap();
        let context = ResolveContext::new(Refresh::Ttl);
        let error: TargetError = world.dns.build(&target, &context).err().unwrap();
        assert_eq!(error.to_string(), message, "{text}");
    }
}
