//! A system of a test's own: resolv.conf, hosts, and a DNS server.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::endpoint::Endpoint;
use evenkeel_core::resolve::Environment;
use evenkeel_testkit::dns::DnsServer;

use super::super::Dns;
use super::super::exchange::SystemSockets;
use super::super::system::System;
use crate::client::Refresh;
use crate::client::resolve::Absence;
use crate::client::resolve::testing::{Line, build_with};

/// The resolution delay of tests in which both families answer: a loaded machine must not tear their answers apart.
const LONG: Duration = Duration::from_secs(20);

pub(super) struct World {
    pub(super) server: DnsServer,
    pub(super) dns: Dns,
    folder: PathBuf,
}

impl World {
    /// resolv.conf names the server, and `conf` follows; the hosts file is missing.
    pub(super) async fn new(conf: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("evenkeel-dns-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let server = DnsServer::start().await.unwrap();
        let system = System {
            resolv_conf: folder.join("resolv.conf"),
            hosts: folder.join("hosts"),
            environment: Environment::default(),
            dns_port: server.address().port(),
        };
        let world = Self { server, dns: Dns { system, sockets: SystemSockets, delay: LONG }, folder };
        world.set_resolv_conf(&format!("nameserver 127.0.0.1\n{conf}"));
        world
    }

    pub(super) fn set_resolv_conf(&self, text: &str) {
        std::fs::write(&self.dns.system.resolv_conf, text).unwrap();
    }

    pub(super) fn set_hosts(&self, text: &str) {
        std::fs::write(&self.dns.system.hosts, text).unwrap();
    }

    pub(super) fn resolve(&self, target: &str) -> Line {
        self.resolve_with(target, Refresh::Ttl)
    }

    pub(super) fn resolve_with(&self, target: &str, refresh: Refresh) -> Line {
        Line::run(build_with(&self.dns, target, refresh))
    }

    /// The names that were asked for, each once, in the order they first came.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for query in self.server.queries() {
            if !names.contains(&query.name) {
                names.push(query.name);
            }
        }
        names
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(super) fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Each address an endpoint of its own.
pub(super) fn endpoints(texts: &[&str]) -> Result<Arc<[Endpoint]>, Absence> {
    let addresses = texts.iter().map(|text| text.parse::<SocketAddr>().unwrap());
    Ok(addresses.map(Endpoint::from).collect())
}

pub(super) fn failure(answer: Result<Arc<[Endpoint]>, Absence>) -> String {
    match answer {
        Err(Absence::Failed(reason)) => reason.to_string(),
        other => panic!("not a failure: {other:?}"),
    }
}

/// Fails when it takes longer. Far more than is needed, far less than the fault that it rules out would take.
pub(super) async fn within<T>(seconds: u64, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(seconds), future).await.expect("in time")
}
