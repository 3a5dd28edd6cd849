//! What observers are told of each question.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::event::{DnsAnswer, DnsQuery, DnsTransport, Event};
use evenkeel_testkit::dns::{RecordType, Reply};

use super::world::{World, ips};
use crate::client::Refresh;
use crate::client::resolve::testing::{Line, build_with};
use crate::observe::{Observer, Observers};

#[derive(Debug, Default)]
struct Queries(Mutex<Vec<DnsQuery>>);

impl Observer for Queries {
    fn on_event(&self, event: &Event) {
        if let Event::DnsQuery(query) = event {
            self.0.lock().unwrap().push(query.clone());
        }
    }
}

/// The questions of the first lookup, in the order of their record types.
async fn queries(world: &World, target: &str) -> Vec<DnsQuery> {
    let seen = Arc::new(Queries::default());
    let mut observers = Observers::default();
    observers.add(Arc::clone(&seen) as Arc<dyn Observer>);
    let mut line = Line::run_observed(build_with(&world.dns, target, Refresh::Ttl), observers);
    line.update().await;
    line.hang_up().await;
    let mut queries = seen.0.lock().unwrap().clone();
    queries.sort_by_key(|query| query.record_type);
    queries
}

fn addresses(texts: &[&str], ttl: u64) -> DnsAnswer {
    DnsAnswer::addresses(ips(texts), Duration::from_secs(ttl))
}

#[tokio::test]
async fn every_question_is_told_with_who_was_asked_how_and_what_came() {
    let world = World::new("search one.test two.test").await;
    world.server.set("a.two.test", RecordType::A, Reply::addresses(20, ips(&["10.0.0.1"])));
    world.server.set("a.two.test", RecordType::Aaaa, Reply::no_data());
    let queries = queries(&world, "dns:///a:1").await;
    let told: Vec<_> = queries
        .iter()
        .map(|query| (query.name.as_str(), query.record_type, query.transport, query.answer.clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("a.one.test.", "A", DnsTransport::Udp, DnsAnswer::NxDomain),
            ("a.two.test.", "A", DnsTransport::Udp, addresses(&["10.0.0.1"], 20)),
            ("a.one.test.", "AAAA", DnsTransport::Udp, DnsAnswer::NxDomain),
            ("a.two.test.", "AAAA", DnsTransport::Udp, DnsAnswer::NoRecords),
        ]
    );
    for query in queries {
        assert_eq!(query.server, world.server.address());
        // A header has 12 bytes, and the question comes back after it.
        assert!(query.size.is_some_and(|size| size > 12), "{query:?}");
        assert!(query.round_trip > Duration::ZERO);
    }
}

#[tokio::test]
async fn a_truncated_answer_and_the_one_over_tcp_are_told_apart() {
    let world = World::new("").await;
    let all: Vec<IpAddr> = (0..200).map(|i| Ipv4Addr::new(10, 0, 1, i).into()).collect();
    world.server.set("a.test", RecordType::A, Reply::addresses(30, all));
    world.server.set("a.test", RecordType::Aaaa, Reply::no_data());
    let queries = queries(&world, "dns:///a.test:1").await;
    let [udp, tcp, _] = queries.as_slice() else { panic!("{queries:?}") };
    assert_eq!((udp.transport, &udp.answer), (DnsTransport::Udp, &DnsAnswer::Truncated));
    assert!(udp.size.is_some_and(|size| size <= 1232), "{udp:?}");
    assert_eq!(tcp.transport, DnsTransport::Tcp);
    let DnsAnswer::Addresses { addresses, .. } = &tcp.answer else { panic!("{tcp:?}") };
    assert_eq!(addresses.len(), 200);
    // Each A record has 4 bytes of address and 10 around them, at least.
    assert!(tcp.size.is_some_and(|size| size > 200 * 14), "{tcp:?}");
}

#[tokio::test]
async fn failures_say_why_and_a_server_that_keeps_silent_is_told_for_each_attempt() {
    let world = World::new("options timeout:1 attempts:2").await;
    world.server.set_both("refused.test", Reply::refused());
    for query in queries(&world, "dns:///refused.test:1").await {
        assert_eq!((query.answer, query.size.is_some()), (DnsAnswer::ErrorCode(5), true));
    }
    world.server.set_both("a.test", Reply::silence());
    let queries = queries(&world, "dns:///a.test:1").await;
    let told: Vec<_> = queries.iter().map(|query| (query.record_type, &query.answer, query.size)).collect();
    let silent = |record_type| (record_type, &DnsAnswer::TimedOut, None);
    assert_eq!(told, ["A", "A", "AAAA", "AAAA"].map(silent));
    assert!(queries.last().is_some_and(|query| query.round_trip >= Duration::from_secs(1)));
}
