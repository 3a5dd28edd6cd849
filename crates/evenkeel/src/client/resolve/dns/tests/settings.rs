//! Whom the resolver asks, and for which names.

use evenkeel_core::target::{Target, TargetError};
use evenkeel_testkit::dns::{RecordType, Reply};

use super::super::loopback;
use super::world::{World, endpoints, failure, ips};
use crate::client::Refresh;
use crate::client::resolve::{Answer, ResolveContext, ResolverFactory};

const POD: &str = "search ns.svc.c svc.c c\noptions ndots:5";

#[tokio::test]
async fn the_search_list_is_walked_in_order_and_the_winner_remembered() {
    let world = World::new(POD).await;
    world.server.set_addresses("a.b.svc.c", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let mut line = world.resolve("dns:///a.b:1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    assert_eq!(world.names(), ["a.b.ns.svc.c", "a.b.svc.c"]);
    world.server.clear_queries();
    line.answer().await;
    assert_eq!(world.names(), ["a.b.svc.c"]);
    world.server.remove("a.b.svc.c");
    world.server.clear_queries();
    assert!(matches!(line.answer().await, Answer::Absent(_)));
    assert_eq!(world.names(), ["a.b.svc.c", "a.b.ns.svc.c", "a.b.c", "a.b"]);
}

#[tokio::test]
async fn an_error_in_the_middle_of_the_walk_ends_it_as_an_error() {
    for (patience, trouble) in [("", Reply::servfail()), (" timeout:2 attempts:1", Reply::silence())] {
        let world = World::new(&format!("{POD}{patience}")).await;
        world.server.set_both("a.b.svc.c", trouble);
        let reason = failure(world.resolve("dns:///a.b:1").answer().await);
        assert!(reason.contains("a.b.svc.c."), "{reason}");
        assert_eq!(world.names(), ["a.b.ns.svc.c", "a.b.svc.c"]);
    }
}

#[tokio::test]
async fn an_absolute_name_is_not_searched_for() {
    let world = World::new(POD).await;
    assert!(matches!(world.resolve("dns:///a.b.:1").answer().await, Answer::Absent(_)));
    assert_eq!(world.names(), ["a.b"]);
}

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
async fn resolv_conf_is_read_again_for_each_lookup() {
    let world = World::new("").await;
    world.server.set_addresses("a.test", 30, ips(&["10.0.0.1"]));
    let path = &world.dns.system.resolv_conf;
    std::fs::remove_file(path).unwrap();
    let mut line = world.resolve("dns:///a.test:1");
    let reason = failure(line.answer().await);
    assert!(reason.contains(path.to_str().unwrap()), "{reason}");
    world.set_resolv_conf("# no server\n");
    let reason = failure(line.answer().await);
    assert!(reason.contains("names no server"), "{reason}");
    world.set_resolv_conf("nameserver 127.0.0.1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1"]));
}

#[tokio::test]
async fn what_the_hosts_file_knows_needs_no_server() {
    let world = World::new("").await;
    world.set_hosts("10.0.0.2 a.test\n10.0.0.1 a.test\n");
    let (answer, next) = world.resolve("dns:///a.test:1").next().await;
    assert_eq!(answer, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    assert!(next.is_some());
    assert_eq!(world.names(), [""; 0]);
}

#[tokio::test]
async fn literals_and_localhost_need_no_lookup() {
    let world = World::new("").await;
    let table = [
        ("dns:///10.0.0.1", endpoints(&["10.0.0.1:443"])),
        ("[::1]:50051", endpoints(&["[::1]:50051"])),
        ("LOCALHOST:1", Answer::Endpoints(vec![loopback(1)])),
        (":1", Answer::Endpoints(vec![loopback(1)])),
        ("a.localhost.:1", Answer::Endpoints(vec![loopback(1)])),
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
        ("dns:///a:", "port `` of `a` is not a number from 1 to 65535"),
        ("dns:///a:x", "port `x` of `a` is not a number from 1 to 65535"),
        ("dns:///[::1", "host `[::1`: a `[` is not closed"),
        ("dns://a.b/c", "authority `a.b`: the DNS server must be given by its IP address"),
        ("dns://1.2.3.4:x/c", "port `x` of `1.2.3.4` is not a number from 1 to 65535"),
    ];
    for (text, message) in table {
        let target = Target::parse(text, |scheme| scheme == "dns").unwrap();
        let context = ResolveContext { refresh: Refresh::Ttl };
        let error: TargetError = world.dns.build(&target, &context).err().unwrap();
        assert_eq!(error.to_string(), message, "{text}");
    }
}
