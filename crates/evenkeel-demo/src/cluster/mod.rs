//! The demo's embedded cluster, real in all but the machines: pods are processes, names are found by DNS, and the
//! ClusterIP spreads connections as kube-proxy does.

mod block;
mod dns;
mod error;
mod pod;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use evenkeel_lab::Forwarder;
use tokio::net::TcpListener;

use self::block::Block;
use self::dns::{DnsServer, Zone};

pub(crate) use self::dns::Fault;
pub use self::error::ClusterError;
pub(crate) use self::pod::Pod;

/// The time to live of the kubernetes plugin's answers in CoreDNS.
pub(crate) const DNS_TTL: Duration = Duration::from_secs(5);

/// A running cluster. Dropping it ends its DNS server and ClusterIP; pods are their owners'.
#[derive(Debug)]
pub struct Cluster {
    /// What pods are processes of.
    program: PathBuf,
    block: Block,
    dns: DnsServer,
    cluster_ip: Forwarder,
    pods_started: AtomicU8,
}

impl Cluster {
    /// Starts a cluster with room for `pods` pods in its life, each a process of `program`.
    ///
    /// The program understands `serve --control --name NAME --listen ADDRESS` as the `evenkeel` command does: it prints
    /// `listening ADDRESS` when it is ready, answers `calls` on stdin by `calls N`, and ends with its stdin.
    ///
    /// # Errors
    /// Where 127.x.y.z cannot be bound, the error says what to do.
    pub async fn start(program: PathBuf, pods: u8) -> Result<Self, ClusterError> {
        let block = Block::find(pods)?;
        let dns = DnsServer::start(block.dns(), Zone::new(DNS_TTL)).await.map_err(ClusterError::Dns)?;
        let listener = TcpListener::bind(block.cluster_ip()).await.map_err(ClusterError::ClusterIp)?;
        let (cluster_ip, pods_started) = (Forwarder::start(listener), AtomicU8::new(0));
        Ok(Self { program, block, dns, cluster_ip, pods_started })
    }

    /// Starts pods, each on an address that no pod has had before, and waits until they listen.
    ///
    /// `named_from` is the number in the first one's name.
    ///
    /// # Errors
    /// When one does not come up.
    pub(crate) async fn start_pods(
        &self,
        count: u8,
        named_from: u8,
        flags: &[String],
    ) -> Result<Vec<Pod>, ClusterError> {
        let mut starting = Vec::new();
        for number in named_from..named_from + count {
            let index = self.pods_started.fetch_add(1, Ordering::Relaxed);
            let address = self.block.pod(index).ok_or(ClusterError::Full)?;
            starting.push(Pod::start(&self.program, format!("school-{number}"), address, flags)?);
        }
        let mut pods = Vec::new();
        for pod in starting {
            pods.push(pod.ready().await?);
        }
        Ok(pods)
    }

    /// Makes these pods the ready ones of the headless Service in `namespace`.
    pub(crate) fn publish(&self, namespace: &str, pods: &[SocketAddr]) {
        self.dns.set(&headless_name(namespace), pods.iter().filter_map(ipv4).collect());
    }

    /// Gives the ClusterIP, of which there is one, to the Service in `namespace` and these pods.
    pub(crate) fn publish_cluster_ip(&self, namespace: &str, pods: Vec<SocketAddr>) {
        self.dns.set(&cluster_ip_name(namespace), ipv4(&self.block.cluster_ip()).into_iter().collect());
        self.cluster_ip.set(pods);
    }

    /// Breaks DNS for the headless Service in `namespace`, or mends it. Says how many questions the fault before met.
    pub(crate) fn set_dns_fault(&self, namespace: &str, fault: Option<Fault>) -> u64 {
        self.dns.set_fault(&headless_name(namespace), fault)
    }

    /// The target of a client that uses the ClusterIP.
    pub(crate) fn cluster_ip_target(&self, namespace: &str) -> String {
        self.target(&cluster_ip_name(namespace))
    }

    /// The target of a client that wants all pods.
    pub(crate) fn headless_target(&self, namespace: &str) -> String {
        self.target(&headless_name(namespace))
    }

    fn target(&self, name: &str) -> String {
        format!("dns://{}/{name}:{}", self.dns.address(), self.block.port())
    }
}

fn headless_name(namespace: &str) -> String {
    format!("school-internal-headless.{namespace}.svc.cluster.local")
}

fn cluster_ip_name(namespace: &str) -> String {
    format!("school-internal.{namespace}.svc.cluster.local")
}

fn ipv4(address: &SocketAddr) -> Option<std::net::Ipv4Addr> {
    match address {
        SocketAddr::V4(address) => Some(*address.ip()),
        SocketAddr::V6(_) => None,
    }
}
