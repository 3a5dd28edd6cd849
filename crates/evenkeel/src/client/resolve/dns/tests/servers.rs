//! Several servers, not all of which know every name.

use std::net::Ipv4Addr;
use std::time::Duration;

use evenkeel_testkit::dns::{DnsServer, Reply};

use super::world::{World, endpoints, failure, ips, within};
use crate::client::resolve::Absence;

/// Longer than it takes until the next server is asked, and far less than the patience for one.
const SLOW: Duration = Duration::from_millis(1500);

/// A world whose resolv.conf names the server it returns before its own.
async fn two(options: &str) -> (DnsServer, World) {
    let world = World::new("").await;
    let first = world.server.start_beside(Ipv4Addr::new(127, 0, 0, 3)).await.unwrap();
    world.set_resolv_conf(&format!("nameserver 127.0.0.3\nnameserver 127.0.0.1\n{options}"));
    (first, world)
}

#[tokio::test]
async fn a_server_that_only_refers_to_others_is_passed_over() {
    let (first, world) = two("").await;
    first.set_both("a.test", Reply::referral());
    world.server.set_addresses("a.test", 30, ips(&["10.0.0.1", "10.0.0.2"]));
    assert_eq!(world.resolve("dns:///a.test:1").answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
}

#[tokio::test]
async fn a_name_that_only_the_slow_first_server_knows_is_found() {
    let (first, world) = two("").await;
    let slow = Reply::addresses(1, ips(&["10.0.0.1", "10.0.0.2", "fd00::1"])).delayed(SLOW);
    first.set_both("a.test", slow);
    let mut line = world.resolve("dns:///a.test:1");
    let expected = endpoints(&["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"]);
    for _ in 0..2 {
        assert_eq!(
            within(20, line.answer()).await,
            expected,
            "the second server says that there is no such name"
        );
    }
    assert!(!world.server.queries().is_empty(), "it was asked");
}

#[tokio::test]
async fn the_first_server_that_has_nothing_wins() {
    let (first, world) = two("").await;
    first.set_both("a.test", Reply::no_data().delayed(SLOW));
    let Err(Absence::Absent(_)) = within(20, world.resolve("dns:///a.test:1").answer()).await else {
        panic!()
    };
    assert!(!world.server.queries().is_empty(), "the second one was asked");
}

#[tokio::test]
async fn a_silent_first_server_is_waited_for_once_and_then_a_moment_only() {
    let (first, world) = two("options timeout:3").await;
    first.set_both("a.test", Reply::silence());
    let mut line = world.resolve("dns:///a.test:1");
    for _ in 0..2 {
        assert!(matches!(within(20, line.answer()).await, Err(Absence::Absent(_))));
    }
    first.clear_queries();
    // For a while, the silent one is not even asked.
    assert!(matches!(within(20, line.answer()).await, Err(Absence::Absent(_))));
    assert_eq!(first.queries(), []);
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let found = within(20, line.answer()).await;
    assert_eq!((found, first.queries()), (endpoints(&["10.0.0.1:1", "10.0.0.2:1"]), vec![]));
}

#[tokio::test]
async fn a_server_that_is_silent_to_edns_answers_before_the_next_one_is_asked() {
    let (first, world) = two("").await;
    let reply = Reply::addresses(30, ips(&["10.0.0.1", "10.0.0.2", "fd00::1"])).with_edns(Reply::silence());
    first.set_both("a.test", reply);
    let answer = within(8, world.resolve("dns:///a.test:1").answer()).await;
    assert_eq!(answer, endpoints(&["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"]));
    assert_eq!(world.server.queries(), []);
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again_without_edns_and_one_that_refuses_is_not() {
    for (reply, expected) in [
        (Reply::servfail(), vec![true, true, false, false]),
        (Reply::refused(), vec![true, true]),
        (Reply::error(9), vec![true, true]),
    ] {
        let world = World::new("").await;
        world.server.set_both("a.test", reply);
        let mut line = world.resolve("dns:///a.test:1");
        for _ in 0..2 {
            world.server.clear_queries();
            failure(line.answer().await);
            let mut edns: Vec<_> = world.server.queries().iter().map(|query| query.edns.is_some()).collect();
            edns.sort_by_key(|has_edns| !has_edns);
            assert_eq!(edns, expected);
        }
    }
}
