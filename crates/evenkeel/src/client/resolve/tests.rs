use std::path::PathBuf;

use evenkeel_core::endpoint::{Address, Endpoint};
use evenkeel_core::target::{Target, TargetError};

use super::testing::Line;
use super::{ResolveContext, Resolver, ResolverFactory, Urgency, built_in};
use crate::client::Refresh;

fn factory(scheme: &str) -> Option<std::sync::Arc<dyn ResolverFactory>> {
    built_in().into_iter().find(|factory| factory.scheme() == scheme)
}

fn build(text: &str) -> Result<Box<dyn Resolver>, TargetError> {
    let target = Target::parse(text, |scheme| factory(scheme).is_some())?;
    factory(target.scheme()).unwrap().build(&target, &ResolveContext::new(Refresh::Ttl))
}

fn ip(text: &str) -> Endpoint {
    Endpoint::from(text.parse::<std::net::SocketAddr>().unwrap())
}

#[tokio::test]
async fn schemes_without_a_lookup_answer_once_and_end() {
    let table = [
        ("ipv4:127.0.0.1:1,127.0.0.2:2", vec![ip("127.0.0.1:1"), ip("127.0.0.2:2")]),
        ("ipv6:[::1]:1,[::2]", vec![ip("[::1]:1"), ip("[::2]:443")]),
        ("passthrough:///any thing:1", vec![Endpoint::new([Address::Name("any thing:1".into())])]),
        ("passthrough:127.0.0.1:1", vec![ip("127.0.0.1:1")]),
        ("unix:a/b", vec![Endpoint::new([Address::Unix(PathBuf::from("a/b"))])]),
        ("unix:///a/b", vec![Endpoint::new([Address::Unix(PathBuf::from("/a/b"))])]),
        ("unix-abstract:a", vec![Endpoint::new([Address::UnixAbstract("a".into())])]),
    ];
    for (text, endpoints) in table {
        let mut line = Line::run(build(text).unwrap());
        assert_eq!(line.next().await, (Ok(endpoints.into()), None), "{text}");
        line.hang_up().await;
    }
}

#[test]
fn a_bad_target_names_the_part_at_fault() {
    let table = [
        ("unix://host/a", "the scheme `unix` takes no authority, but the target has `host`"),
        ("unix:", "endpoint ``: it is empty"),
        ("ipv4:1.2.3.4:5,b:6", "address `b:6` is not of the form IPv4:port"),
        ("ipv6:[::1]:x", "port `x` of `::1` is not a number from 1 to 65535"),
        ("passthrough:///", "endpoint ``: it is empty"),
        ("etcd://a", "no resolver is registered for the scheme `etcd`"),
        (
            "http://a:1",
            "no resolver is registered for the scheme `http`: a target is not a URL; write `dns:///a:1`",
        ),
        ("", "the target is empty"),
    ];
    for (text, message) in table {
        let error = build(text).err().unwrap();
        assert_eq!(error.to_string(), message, "{text}");
    }
}

#[test]
fn authorities_are_ones_that_an_http_library_takes() {
    let table = [
        ("unix:///a", "localhost"),
        ("ipv4:1.2.3.4:5,6.7.8.9:5", "1.2.3.4:5"),
        ("ipv6:[::1]:5,[::2]:5", "[::1]:5"),
        ("ipv6:[fe80::1%252]:5", "[fe80::1]:5"),
        ("dns:///a.b.:5", "a.b:5"),
        ("dns:///::1", "[::1]"),
        ("passthrough:///a:1", "a:1"),
    ];
    for (text, authority) in table {
        let target = Target::parse(text, |_| true).unwrap();
        let of_scheme = factory(target.scheme()).unwrap().default_authority(&target);
        let found = of_scheme.unwrap_or_else(|| target.default_authority());
        assert_eq!(found, authority);
        assert!(found.parse::<http::uri::Authority>().is_ok(), "{text}");
    }
}

#[cfg(not(feature = "dns"))]
#[test]
fn a_dns_target_says_that_the_feature_is_missing() {
    let error = build("host:1").err().unwrap();
    assert_eq!(error.to_string(), "the scheme `dns` needs the cargo feature `dns`");
}

#[tokio::test]
async fn requests_that_coalesce_are_as_urgent_as_the_most_urgent_of_them() {
    let (line, mut updates) = super::Line::open("test", Default::default());
    for urgency in [Urgency::Urgent, Urgency::Calm] {
        line.request(urgency);
    }
    assert_eq!(updates.refresh_requested().await.unwrap().urgency, Urgency::Urgent);
    line.request(Urgency::Calm);
    assert_eq!(updates.refresh_requested().await.unwrap().urgency, Urgency::Calm);
    for urgency in [Urgency::Urgent, Urgency::AtOnce, Urgency::Calm] {
        line.request(urgency);
    }
    assert_eq!(updates.refresh_requested().await.unwrap().urgency, Urgency::AtOnce);
    drop(line);
    assert_eq!(updates.refresh_requested().await, None);
}
