//! When the resolver looks again, and what it leaves behind.

use std::time::Duration;

use evenkeel_testkit::dns::{Query, Reply, Transport};

use super::warnings::Warnings;
use super::world::{World, endpoints, ips};
use crate::client::Refresh;
use crate::client::resolve::{Urgency, Verdict};

#[tokio::test]
async fn the_ttl_brings_new_records() {
    let world = World::new("").await;
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let mut line = world.resolve("dns:///a.test:1");
    assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.2", "10.0.0.3", "10.0.0.1"]));
    assert_eq!(line.answer().await, endpoints(&["10.0.0.2:1", "10.0.0.3:1", "10.0.0.1:1"]));
}

#[tokio::test]
async fn the_interval_can_be_fixed() {
    let world = World::new("").await;
    world.server.set_addresses("a.test", 30, ips(&["10.0.0.1", "10.0.0.2"]));
    let mut line = world.resolve_with("dns:///a.test:1", Refresh::Every(Duration::from_secs(1)));
    let (_, next) = line.next().await;
    assert!((Duration::from_secs(1)..=Duration::from_millis(1150)).contains(&next.unwrap()));
    line.update().await;
}

#[tokio::test]
async fn on_disconnect_only_a_request_makes_a_lookup() {
    let world = World::new("").await;
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let refresh = Refresh::Disconnect { floor: Duration::from_millis(100) };
    let mut line = world.resolve_with("dns:///a.test:1", refresh);
    let (_, next) = line.next().await;
    assert_eq!(next, None);
    let before = world.server.queries().len();
    assert!(tokio::time::timeout(Duration::from_millis(1500), line.next()).await.is_err());
    assert_eq!(world.server.queries().len(), before);
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.3", "10.0.0.4"]));
    line.request(Urgency::Calm);
    assert_eq!(line.answer().await, endpoints(&["10.0.0.3:1", "10.0.0.4:1"]));
}

#[tokio::test]
async fn what_the_channel_cannot_go_by_is_looked_up_again() {
    let world = World::new("").await;
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
    let refresh = Refresh::Disconnect { floor: Duration::from_secs(60) };
    let mut line = world.resolve_with("dns:///a.test:1", refresh);
    line.judge(Verdict::Rejected("too few".into())).await;
    world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]));
    let answer = line.answer().await;
    assert_eq!(answer, endpoints(&["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]), "nobody asked for it");
}

#[tokio::test]
async fn times_without_end_are_no_fault() {
    for refresh in [Refresh::Every(Duration::MAX), Refresh::Disconnect { floor: Duration::MAX }] {
        let world = World::new("").await;
        world.server.set_addresses("a.test", 1, ips(&["10.0.0.1", "10.0.0.2"]));
        let mut line = world.resolve_with("dns:///a.test:1", refresh);
        assert_eq!(line.answer().await, endpoints(&["10.0.0.1:1", "10.0.0.2:1"]));
        line.request(Urgency::Urgent);
        // A fault would end its task, and the channel's end of the line with it.
        let waited = tokio::time::timeout(Duration::from_millis(1500), &mut line.task).await;
        assert!(waited.is_err(), "{refresh:?}: {waited:?}");
        line.hang_up().await;
    }
}

#[tokio::test]
async fn requests_during_a_lookup_make_one_more() {
    let world = World::new("").await;
    let reply = Reply::addresses(30, ips(&["10.0.0.1", "10.0.0.2"]));
    world.server.set_both("a.test", reply.delayed(Duration::from_millis(100)));
    let mut line = world.resolve("dns:///a.test:1");
    line.request(Urgency::Urgent);
    world.server.wait_until(|queries| !queries.is_empty()).await;
    line.request(Urgency::Urgent);
    line.request(Urgency::Urgent);
    line.update().await;
    // Without the requests, the next answer would come after 30 s.
    assert!(tokio::time::timeout(Duration::from_secs(15), line.next()).await.is_ok());
    assert!(tokio::time::timeout(Duration::from_millis(1500), line.next()).await.is_err());
}

#[tokio::test]
async fn a_gone_channel_leaves_no_task_behind() {
    let world = World::new("").await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    world.server.set_both("udp.test", Reply::silence());
    let truncated = Reply::addresses(30, ips(&["10.0.0.1", "fd00::1"]));
    world.server.set_both("done.test", truncated.clone().truncated());
    world.server.set_both("tcp.test", truncated.truncated_then_silence());
    let mut done = world.resolve("dns:///done.test:1");
    done.update().await;
    let lines = ["udp.test:1", "tcp.test:1"].map(|name| world.resolve(&format!("dns:///{name}")));
    let is_under_way = |queries: &[Query]| {
        let asked = |name: &str, transport| {
            queries.iter().any(|query| query.name == name && query.transport == transport)
        };
        asked("udp.test", Transport::Udp) && asked("tcp.test", Transport::Tcp)
    };
    world.server.wait_until(is_under_way).await;
    for line in [done].into_iter().chain(lines) {
        line.task.abort();
        assert!(line.task.await.unwrap_err().is_cancelled());
    }
    drop(world);
    // Far less than the 5 s that the questions under way would take.
    let all_gone = async {
        while alive() > 0 {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(3), all_gone).await.is_ok(), "{} left", alive());
}

#[tokio::test]
async fn a_channel_that_hangs_up_during_a_lookup_ends_the_resolver() {
    let world = World::new("").await;
    world.server.set_both("a.test", Reply::silence());
    let line = world.resolve("dns:///a.test:1");
    world.server.wait_until(|queries| !queries.is_empty()).await;
    line.hang_up().await;
}

#[tokio::test]
async fn a_single_address_is_warned_about_once_until_there_were_several() {
    let (warnings, _guard) = Warnings::collect();
    let world = World::new("").await;
    let one = ips(&["10.0.0.1"]);
    let one_per_family = ips(&["10.0.0.1", "fd00::1"]);
    let several = ips(&["10.0.0.1", "10.0.0.2"]);
    let mut line = None;
    for (addresses, expected) in
        [(&one, 1), (&one, 1), (&one_per_family, 1), (&several, 1), (&one_per_family, 2), (&one, 2)]
    {
        world.server.set_addresses("a.test", 1, addresses.iter().copied());
        let line = line.get_or_insert_with(|| world.resolve("dns:///a.test:1"));
        let Ok(found) = line.answer().await else { panic!("no endpoints") };
        assert_eq!((found.len(), warnings.count("single address")), (addresses.len(), expected));
    }
}
