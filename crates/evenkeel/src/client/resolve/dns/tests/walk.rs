//! Which names are asked for, and whose answer holds.

use std::time::Duration;

use evenkeel_testkit::dns::{RecordType, Reply};

use super::warnings::Warnings;
use super::world::{World, endpoints, failure, ips, within};
use crate::client::resolve::Absence;

const POD: &str = "search ns.svc.c svc.c c\noptions ndots:5";

#[tokio::test]
async fn the_search_list_is_walked_in_order_and_no_further_than_needed() {
    let world = World::new(POD).await;
    world.server.set_addresses("a.b.svc.c", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let mut line = world.resolve("dns:///a.b:1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    assert_eq!(world.names(), ["a.b.ns.svc.c", "a.b.svc.c"]);
    world.server.clear_queries();
    line.update().await;
    assert_eq!(world.names(), ["a.b.ns.svc.c", "a.b.svc.c"], "the remembered name and those before it");
    world.server.remove("a.b.svc.c");
    world.server.clear_queries();
    assert!(matches!(line.answer().await, Err(Absence::Absent(_))));
    assert_eq!(world.names(), ["a.b.ns.svc.c", "a.b.svc.c", "a.b.c", "a.b"]);
}

#[tokio::test]
async fn a_remembered_domain_with_a_wildcard_does_not_shadow_the_real_name() {
    let world = World::new("search ns.svc.c svc.c c wild.test\noptions ndots:5").await;
    let wildcard = ips(&["10.9.9.8", "10.9.9.9"]);
    world.server.set_addresses("a.b.wild.test", 1, wildcard);
    let mut line = world.resolve("dns:///a.b:1");
    let strangers = endpoints(&["10.9.9.8:1", "10.9.9.9:1"]);
    assert_eq!(line.answer().await, strangers);
    assert_eq!(line.answer().await, strangers);
    world.server.set_addresses("a.b.svc.c", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    world.server.remove("a.b.svc.c");
    assert_eq!(line.answer().await, strangers);
}

#[tokio::test]
async fn an_error_on_the_way_does_not_end_the_walk() {
    for trouble in [Reply::servfail(), Reply::refused(), Reply::error(4), Reply::garbage(), Reply::silence()]
    {
        let world = World::new(POD).await;
        world.server.set_both("a.b.c", trouble.clone());
        world.server.set_addresses("a.b", 1, ips(&["10.0.0.1", "10.0.0.2"]));
        let mut line = world.resolve("dns:///a.b:1");
        let expected = endpoints(&["10.0.0.1:1", "10.0.0.2:1"]);
        // Silence costs a second each time, not the ten of its whole patience.
        within(8, async {
            assert_eq!(line.answer().await, expected, "{trouble:?}");
            assert_eq!(line.answer().await, expected, "{trouble:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn without_an_answer_one_error_anywhere_is_a_failure_that_names_it() {
    let table = [
        (POD, Reply::servfail(), "ServFail"),
        (POD, Reply::refused(), "Refused"),
        (POD, Reply::error(4), "NotImp"),
        (
            "search ns.svc.c svc.c c\noptions ndots:5 timeout:2 attempts:1",
            Reply::silence(),
            "no answer within 2s",
        ),
    ];
    for (conf, trouble, kind) in table {
        let world = World::new(conf).await;
        world.server.set_both("a.b.svc.c", trouble);
        let reason = failure(world.resolve("dns:///a.b:1").answer().await);
        let place = format!("A records of a.b.svc.c. from {}: {kind}", world.server.address());
        assert!(reason.contains(&place), "{reason}");
        assert_eq!(world.names(), ["a.b.ns.svc.c", "a.b.svc.c", "a.b.c", "a.b"]);
    }
}

#[tokio::test]
async fn a_domain_that_makes_no_name_is_passed_over_and_told_once() {
    let (warnings, _guard) = Warnings::collect();
    let long = "x".repeat(70);
    let world = World::new(&format!("search a..b {long}.test müller.test ok.test")).await;
    world.server.set_addresses("a.ok.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let mut line = world.resolve("dns:///a:1");
    for _ in 0..2 {
        assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    }
    assert_eq!(world.names(), ["a.ok.test"]);
    for domain in ["`a..b`", &format!("`{long}.test`"), "`müller.test`"] {
        assert_eq!(warnings.count(&format!("domain {domain} is passed over")), 1, "{domain}");
    }
    world.server.remove("a.ok.test");
    assert!(matches!(line.answer().await, Err(Absence::Absent(_))), "nobody failed");
}

#[tokio::test]
async fn an_absolute_name_is_not_searched_for() {
    let world = World::new(POD).await;
    assert!(matches!(world.resolve("dns:///a.b.:1").answer().await, Err(Absence::Absent(_))));
    assert_eq!(world.names(), ["a.b"]);
}

#[tokio::test]
async fn nxdomain_for_one_type_is_not_absence_while_the_other_fails() {
    for trouble in [Reply::servfail(), Reply::silence()] {
        for (broken, other) in [(RecordType::A, RecordType::Aaaa), (RecordType::Aaaa, RecordType::A)] {
            let world = World::new("options timeout:1 attempts:1").await;
            world.server.set("a.test", broken, trouble.clone());
            world.server.set("a.test", other, Reply::nxdomain());
            failure(world.resolve("dns:///a.test:1").answer().await);
        }
    }
}

#[tokio::test]
async fn a_server_that_says_nxdomain_for_want_of_a_type_loses_nobody() {
    let world = World::new("").await;
    world.server.set("a.test", RecordType::Aaaa, Reply::nxdomain());
    world.server.set("a.test", RecordType::A, Reply::addresses(1, ips(&["10.0.0.1", "10.0.0.2"])));
    let mut line = world.resolve("dns:///a.test:1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    world.server.set("a.test", RecordType::A, Reply::no_data());
    let reason = failure(line.answer().await);
    assert!(reason.contains("a.test. does not exist by the answer for one record type"), "{reason}");
    world.server.set("a.test", RecordType::A, Reply::nxdomain());
    assert!(matches!(within(20, line.answer()).await, Err(Absence::Absent(_))), "both types agree");
}

#[tokio::test]
async fn a_silent_domain_before_the_remembered_one_costs_a_second() {
    let world = World::new("search silent.test ok.test\noptions ndots:5").await;
    world.server.set_addresses("a.ok.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let mut line = world.resolve("dns:///a:1");
    line.update().await;
    world.server.set_both("a.silent.test", Reply::silence());
    world.server.set_addresses("a.ok.test", 1, ips(&["10.0.0.3", "10.0.0.4"]));
    // Its whole patience would be ten.
    assert_eq!(within(8, line.answer()).await, endpoints(&["10.0.0.3:1", "10.0.0.4:1"]));
    let in_time = Reply::addresses(1, ips(&["10.0.0.5", "10.0.0.6"])).delayed(Duration::from_millis(100));
    world.server.set_both("a.silent.test", in_time);
    assert_eq!(line.answer().await, endpoints(&["10.0.0.5:1", "10.0.0.6:1"]));
}
