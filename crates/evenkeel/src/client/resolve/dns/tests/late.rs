//! Families and servers that are late or never answer.

use std::net::Ipv4Addr;
use std::time::Duration;

use evenkeel_core::resolve::RESOLUTION_DELAY;
use evenkeel_testkit::dns::{RecordType, Reply};

use super::world::{World, endpoints, failure, ips, within};

/// Longer than a loaded machine tears a prompt answer and this one apart.
const LATE: Duration = Duration::from_secs(3);

async fn world() -> World {
    let mut world = World::new("").await;
    world.dns.delay = RESOLUTION_DELAY;
    world
}

#[tokio::test]
async fn a_type_that_is_never_answered_does_not_hold_the_other_up() {
    for (given, dropped) in [(RecordType::A, RecordType::Aaaa), (RecordType::Aaaa, RecordType::A)] {
        let world = world().await;
        let list = |last: &[u8]| {
            let ips = last.iter().map(|last| match given {
                RecordType::A => Ipv4Addr::new(10, 0, 0, *last).into(),
                RecordType::Aaaa => {
                    std::net::Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, u16::from(*last)).into()
                }
            });
            Reply::addresses(1, ips)
        };
        world.server.set("a.test", dropped, Reply::silence());
        world.server.set("a.test", given, list(&[1, 2]));
        let mut line = world.resolve("dns:///a.test:1");
        // Each lookup would take its whole patience, ten seconds.
        within(8, async {
            line.update().await;
            for pods in [&[1, 2, 3][..], &[2, 3], &[4, 5]] {
                world.server.set("a.test", given, list(pods));
                let answer = line.answer().await;
                assert!(matches!(&answer, Ok(all) if all.len() == pods.len()), "{answer:?}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_type_that_comes_late_is_taken_in_when_it_comes() {
    let world = world().await;
    world.server.set("a.test", RecordType::A, Reply::addresses(30, ips(&["10.0.0.1"])));
    world.server.set("a.test", RecordType::Aaaa, Reply::addresses(30, ips(&["fd00::1"])).delayed(LATE));
    let mut line = world.resolve("dns:///a.test:1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1"]));
    let (answer, next) = within(20, line.next()).await;
    assert_eq!(answer, endpoints(&["10.0.0.1:1", "[fd00::1]:1"]));
    assert!(next.is_some_and(|next| next < Duration::from_secs(34)), "{next:?}");
}

#[tokio::test]
async fn lookups_meanwhile_do_not_ask_again_for_what_is_late() {
    let world = world().await;
    world.server.set("a.test", RecordType::A, Reply::addresses(1, ips(&["10.0.0.1"])));
    world.server.set("a.test", RecordType::Aaaa, Reply::addresses(1, ips(&["fd00::1"])).delayed(LATE));
    let mut line = world.resolve("dns:///a.test:1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1"]));
    let both = endpoints(&["10.0.0.1:1", "[fd00::1]:1"]);
    within(20, async { while line.answer().await != both {} }).await;
    assert_eq!(line.answer().await, both, "a family that is late again keeps its addresses");
    let asked = |record_type| {
        world.server.queries().iter().filter(|query| query.record_type == Some(record_type)).count()
    };
    assert!(asked(RecordType::A) >= 3);
}

#[tokio::test]
async fn one_silent_server_of_several_does_not_hold_lookups_up() {
    let world = world().await;
    // Nobody is at 127.0.0.2.
    world.set_resolv_conf("nameserver 127.0.0.2\nnameserver 127.0.0.1\n");
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let mut line = world.resolve("dns:///a.test:1");
    // With five seconds of patience for the first server each time, it would be twenty.
    within(10, async {
        line.update().await;
        for pod in ["10.0.0.3", "10.0.0.4", "10.0.0.5"] {
            world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", pod]));
            assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", &format!("{pod}:1")]));
        }
    })
    .await;
}

#[tokio::test]
async fn a_type_that_is_never_answered_does_not_hold_the_search_list_up() {
    let world = world().await;
    let domains = ["one.test", "two.test", "three.test", "four.test", "five.test"];
    world.set_resolv_conf(&format!("nameserver 127.0.0.1\nsearch {}", domains.join(" ")));
    for domain in domains {
        world.server.set(&format!("a.{domain}"), RecordType::Aaaa, Reply::silence());
    }
    world.server.set("a.five.test", RecordType::A, Reply::addresses(1, ips(&["10.0.0.1", "10.0.0.2"])));
    let mut line = world.resolve("dns:///a:1");
    // With a second for each of the domains, the first lookup would take four.
    for _ in 0..2 {
        assert_eq!(within(3, line.answer()).await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    }
    world.server.set("a", RecordType::Aaaa, Reply::silence());
    world.server.remove("a.five.test");
    // Each question's whole patience is ten seconds.
    let reason = failure(within(8, line.answer()).await);
    assert!(reason.contains("the AAAA records of a.one.test. are not answered"), "{reason}");
}
