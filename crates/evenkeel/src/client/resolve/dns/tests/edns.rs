//! Servers that do not take EDNS.

use evenkeel_testkit::dns::{RecordType, Reply};

use super::world::{World, endpoints, failure, ips, within};

#[tokio::test]
async fn a_server_that_does_not_take_edns_is_asked_without_and_remembered() {
    let table = [
        ("FORMERR", Reply::error(1)),
        ("NOTIMP", Reply::error(4)),
        ("BADVERS", Reply::error(16)),
        ("a bare FORMERR", Reply::bare_header(1)),
        ("a bare SERVFAIL", Reply::bare_header(2)),
        ("a bare NOERROR", Reply::bare_header(0)),
        ("SERVFAIL", Reply::servfail()),
        ("garbage", Reply::garbage()),
        ("silence", Reply::silence()),
    ];
    for (name, trouble) in table {
        let world = World::new("").await;
        let both = ips(&["10.0.0.1", "10.0.0.2", "fd00::1"]);
        world.server.set_both("a.test", Reply::addresses(1, both).with_edns(trouble));
        let expected = endpoints(&["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"]);
        let mut line = world.resolve("dns:///a.test:1");
        assert_eq!(within(4, line.answer()).await, expected, "{name}");
        assert!(world.server.queries().iter().any(|query| query.edns.is_some()), "{name}");
        world.server.clear_queries();
        assert_eq!(line.answer().await, expected, "{name}");
        let queries = world.server.queries();
        assert!(
            queries.iter().all(|query| query.edns.is_none()) && queries.len() == 2,
            "{name}: {queries:?}"
        );
    }
}

#[tokio::test]
async fn it_is_the_same_over_tcp() {
    for trouble in [Reply::bare_header(1), Reply::silence(), Reply::hang_up()] {
        let world = World::new("options use-vc").await;
        let reply = Reply::addresses(1, ips(&["10.0.0.1", "10.0.0.2", "fd00::1"])).with_edns(trouble.clone());
        world.server.set_both("a.test", reply);
        let expected = endpoints(&["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"]);
        let mut line = world.resolve("dns:///a.test:1");
        // Silence takes half of the five seconds that a server has.
        assert_eq!(within(8, line.answer()).await, expected, "{trouble:?}");
        world.server.clear_queries();
        assert_eq!(line.answer().await, expected, "{trouble:?}");
        let queries = world.server.queries();
        assert!(queries.iter().all(|query| query.edns.is_none()) && queries.len() == 2, "{queries:?}");
    }
}

#[tokio::test]
async fn silence_over_tcp_is_not_held_against_edns_and_has_its_time_in_all() {
    let world = World::new("options use-vc timeout:1 attempts:1").await;
    world.server.set_both("a.test", Reply::silence());
    let mut line = world.resolve("dns:///a.test:1");
    for _ in 0..2 {
        world.server.clear_queries();
        let reason = failure(within(8, line.answer()).await);
        assert!(reason.contains("no answer within 1s"), "{reason}");
        let edns: Vec<_> = world.server.queries().iter().map(|query| query.edns.is_some()).collect();
        assert_eq!(edns, [true, true, false, false]);
    }
}

#[tokio::test]
async fn without_edns_a_long_answer_comes_over_tcp() {
    let world = World::new("").await;
    let all = (0..100).map(|last| std::net::Ipv4Addr::new(10, 0, 1, last).into());
    world.server.set("a.test", RecordType::A, Reply::addresses(30, all).with_edns(Reply::error(1)));
    world.server.set("a.test", RecordType::Aaaa, Reply::no_data().with_edns(Reply::error(1)));
    let answer = world.resolve("dns:///a.test:1").answer().await;
    assert!(matches!(answer, Ok(all) if all.len() == 100));
}

#[tokio::test]
async fn an_error_that_stays_without_edns_is_not_held_against_it() {
    let world = World::new("").await;
    for (reply, kind) in [(Reply::error(1), "FormErr"), (Reply::bare_header(5), "Refused")] {
        world.server.set_both("a.test", reply);
        let mut line = world.resolve("dns:///a.test:1");
        for _ in 0..2 {
            world.server.clear_queries();
            let reason = failure(line.answer().await);
            assert!(reason.contains(kind), "{reason}");
            assert!(world.server.queries().iter().any(|query| query.edns.is_some()));
        }
    }
}
