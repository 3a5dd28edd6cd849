//! What the wire's answers become.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use evenkeel_testkit::dns::{Foul, RecordType, Reply, Transport};

use super::warnings::Warnings;
use super::world::{World, endpoints, failure, ips};
use crate::client::resolve::Absence;

/// So that a silent server costs a second, not ten.
const IMPATIENT: &str = "options timeout:1 attempts:1";

#[tokio::test]
async fn a_and_aaaa_are_asked_together_with_edns_and_each_address_is_an_endpoint() {
    let world = World::new("").await;
    world.server.set(
        "a.test",
        RecordType::A,
        Reply::addresses(20, ips(&["10.0.0.2", "10.0.0.1", "10.0.0.2"])),
    );
    world.server.set("a.test", RecordType::Aaaa, Reply::addresses(10, ips(&["fd00::1"])));
    let mut line = world.resolve("dns:///a.test:50051");
    let (answer, next) = line.next().await;
    assert_eq!(answer, endpoints(&["10.0.0.2:50051", "10.0.0.1:50051", "[fd00::1]:50051"]));
    let next = next.unwrap();
    assert!((Duration::from_secs(10)..=Duration::from_millis(11_500)).contains(&next), "{next:?}");
    let queries = world.server.queries();
    for record_type in [RecordType::A, RecordType::Aaaa] {
        assert!(queries.iter().any(|query| query.record_type == Some(record_type)));
    }
    for query in queries {
        assert_eq!((query.name.as_str(), query.edns), ("a.test", Some(1232)));
        assert_eq!(query.transport, Transport::Udp);
    }
}

#[tokio::test]
async fn neither_query_waits_for_the_other() {
    let world = World::new("").await;
    world.server.set_both("a.test", Reply::silence());
    let _line = world.resolve("dns:///a.test");
    let both = world.server.wait_until(|queries| {
        [RecordType::A, RecordType::Aaaa]
            .iter()
            .all(|record_type| queries.iter().any(|query| query.record_type == Some(*record_type)))
    });
    // One after the other, the second would come when the first has timed out: after 10 s.
    assert!(tokio::time::timeout(Duration::from_secs(5), both).await.is_ok());
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let world = World::new("").await;
    let all: Vec<IpAddr> = (0..200).map(|i| Ipv4Addr::new(10, 0, 1, i).into()).collect();
    world.server.set("a.test", RecordType::A, Reply::addresses(30, all.clone()));
    world.server.set("a.test", RecordType::Aaaa, Reply::addresses(30, ips(&["fd00::1"])).truncated());
    let mut line = world.resolve("dns:///a.test:1");
    let Ok(found) = line.answer().await else { panic!("no endpoints") };
    assert_eq!(found.len(), 201);
    let over_tcp = world.server.queries().iter().filter(|query| query.transport == Transport::Tcp).count();
    assert!(over_tcp >= 2, "{over_tcp}");
}

#[tokio::test]
async fn an_answer_that_stays_truncated_is_no_answer() {
    let world = World::new("").await;
    world.server.set_both("a.test", Reply::addresses(30, ips(&["10.0.0.1", "10.0.0.2"])).always_truncated());
    let reason = failure(world.resolve("dns:///a.test:1").answer().await);
    assert!(reason.contains("truncated"), "{reason}");
}

#[tokio::test]
async fn records_of_another_class_are_no_answer_and_do_not_mean_that_nobody_is_there() {
    const CHAOS: u16 = 3;
    let world = World::new("").await;
    world.server.set_both("a.test", Reply::addresses(30, ips(&["10.0.0.1", "fd00::1"])).of_class(CHAOS));
    let reason = failure(world.resolve("dns:///a.test:1").answer().await);
    assert!(reason.contains("class"), "{reason}");
}

#[tokio::test]
async fn an_ipv4_address_in_ipv6_clothes_is_the_same_one() {
    let world = World::new("").await;
    world.server.set("a.test", RecordType::A, Reply::addresses(30, ips(&["10.0.0.1", "10.0.0.2"])));
    world.server.set("a.test", RecordType::Aaaa, Reply::addresses(30, ips(&["::ffff:10.0.0.1", "fd00::1"])));
    let answer = world.resolve("dns:///a.test:1").answer().await;
    assert_eq!(answer, endpoints(&["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"]), "no pod has a double share");
}

#[tokio::test]
async fn addresses_that_nobody_can_be_at_are_left_out_with_one_warning() {
    let (warnings, _guard) = Warnings::collect();
    let world = World::new("").await;
    let strange =
        ["0.0.0.0", "224.0.0.1", "255.255.255.255", "10.0.0.1", "10.0.0.2", "::", "ff02::1", "fd00::1"];
    world.server.set_addresses("a.test", 1, ips(&strange));
    let mut line = world.resolve("dns:///a.test:1");
    for _ in 0..2 {
        assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"]));
    }
    assert_eq!(warnings.count("left out: 0.0.0.0, 224.0.0.1, 255.255.255.255"), 1);
    assert_eq!(warnings.count("left out: ::, ff02::1"), 1);
    world.server.set_addresses("a.test", 1, ips(&["0.0.0.0", "::"]));
    assert!(matches!(line.answer().await, Err(Absence::Absent(_))), "nobody is left");
}

#[tokio::test]
async fn the_warning_about_addresses_is_short_and_does_not_come_again_with_others() {
    let (warnings, _guard) = Warnings::collect();
    let world = World::new("").await;
    let mut line = None;
    for round in 0..3 {
        let nowhere = (0..20).map(|last| Ipv4Addr::new(224, 0, round, last).into());
        world.server.set_addresses("a.test", 1, nowhere.chain(ips(&["10.0.0.1", "10.0.0.2"])));
        let line = line.get_or_insert_with(|| world.resolve("dns:///a.test:1"));
        assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    }
    assert_eq!(warnings.count("left out"), 1);
    assert_eq!(warnings.count("224.0.0.6, 224.0.0.7 and 12 more"), 1);
}

#[tokio::test]
async fn what_comes_over_tcp_must_belong_to_its_question() {
    for foul in [Foul::Id, Foul::Question, Foul::OpCode, Foul::NoAnswer] {
        let world = World::new("").await;
        let reply = Reply::addresses(30, ips(&["10.0.0.1", "fd00::1"])).truncated().foul(foul);
        world.server.set_both("a.test", reply);
        let reason = failure(world.resolve("dns:///a.test:1").answer().await);
        assert!(reason.contains("something else than it was asked"), "{foul:?}: {reason}");
    }
}

#[tokio::test]
async fn what_comes_over_udp_and_does_not_belong_to_its_question_is_ignored() {
    for foul in [Foul::Id, Foul::Question, Foul::OpCode, Foul::NoAnswer] {
        let world = World::new(IMPATIENT).await;
        world.server.set_both("a.test", Reply::addresses(30, ips(&["10.0.0.1", "fd00::1"])).foul(foul));
        let reason = failure(world.resolve("dns:///a.test:1").answer().await);
        assert!(reason.contains("no answer within 1s"), "{foul:?}: {reason}");
    }
}

#[tokio::test]
async fn an_answer_may_be_cut_off_in_the_middle_of_a_record() {
    let world = World::new("").await;
    let reply = Reply::addresses(30, ips(&["10.0.0.1", "10.0.0.2", "fd00::1"])).truncated_in_the_middle();
    world.server.set_both("a.test", reply);
    let answer = world.resolve("dns:///a.test:1").answer().await;
    assert_eq!(answer, endpoints(&["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"]));
}

#[tokio::test]
async fn an_alias_is_followed_and_its_ttl_counts() {
    let world = World::new("").await;
    let reply = Reply::addresses(30, ips(&["10.0.0.1", "10.0.0.2"])).through_alias("b.test", 3);
    world.server.set("a.test", RecordType::A, reply);
    world.server.set("a.test", RecordType::Aaaa, Reply::no_data());
    let (answer, next) = world.resolve("dns:///a.test:1").next().await;
    assert_eq!(answer, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    assert!(next.unwrap() < Duration::from_secs(4));
}

#[tokio::test]
async fn errors_name_the_server_the_query_and_the_kind() {
    let table = [
        ("", Reply::servfail(), "ServFail"),
        ("", Reply::refused(), "Refused"),
        (IMPATIENT, Reply::silence(), "no answer within 1s"),
        (IMPATIENT, Reply::wrong_id(), "no answer within 1s"),
        ("", Reply::garbage(), "protocol error"),
        ("", Reply::referral(), "refers to other servers and does not recurse"),
    ];
    for (conf, reply, kind) in table {
        let world = World::new(conf).await;
        world.server.set_both("a.test", reply);
        let (answer, next) = world.resolve("dns:///a.test:1").next().await;
        let reason = failure(answer);
        let place = format!("A records of a.test. from {}: ", world.server.address());
        assert!(reason.contains(&place) && reason.contains(kind), "{reason}");
        assert!((Duration::from_secs(1)..=Duration::from_millis(1150)).contains(&next.unwrap()));
    }
}

#[tokio::test]
async fn nothing_at_either_family_is_absent_and_recovers_at_the_first_good_answer() {
    for (a, aaaa) in [
        (Reply::nxdomain(), Reply::nxdomain()),
        (Reply::no_data(), Reply::no_data()),
        (Reply::nxdomain(), Reply::no_data()),
    ] {
        let world = World::new("").await;
        world.server.set("a.test", RecordType::A, a);
        world.server.set("a.test", RecordType::Aaaa, aaaa);
        let mut line = world.resolve("dns:///a.test:1");
        let Err(Absence::Absent(reason)) = line.answer().await else { panic!("not absent") };
        assert!(reason.contains("a.test."), "{reason}");
        world.server.set_addresses("a.test", 30, ips(&["10.0.0.1"]));
        assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1"]));
    }
}

#[tokio::test]
async fn no_address_of_one_family_and_no_word_of_the_other_is_a_failure() {
    let world = World::new("").await;
    world.server.set("a.test", RecordType::A, Reply::servfail());
    world.server.set("a.test", RecordType::Aaaa, Reply::no_data());
    failure(world.resolve("dns:///a.test:1").answer().await);
}

#[tokio::test]
async fn a_family_that_fails_keeps_its_addresses() {
    let world = World::new("").await;
    world.server.set("a.test", RecordType::A, Reply::addresses(1, ips(&["10.0.0.1"])));
    world.server.set("a.test", RecordType::Aaaa, Reply::addresses(1, ips(&["fd00::1"])));
    let mut line = world.resolve("dns:///a.test:1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "[fd00::1]:1"]));
    world.server.set("a.test", RecordType::Aaaa, Reply::servfail());
    world.server.set("a.test", RecordType::A, Reply::addresses(1, ips(&["10.0.0.2"])));
    assert_eq!(line.answer().await, endpoints(&["10.0.0.2:1", "[fd00::1]:1"]));
    world.server.set("a.test", RecordType::Aaaa, Reply::no_data());
    assert_eq!(line.answer().await, endpoints(&["10.0.0.2:1"]));
}
