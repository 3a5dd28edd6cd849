//! Several servers, not all of which know every name.

use std::net::Ipv4Addr;

use evenkeel_testkit::dns::{DnsServer, Reply};

use super::world::{World, endpoints, ips};

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
