//! The cluster: pods that run evenkeel's server, and the DNS that names them.

mod zone;

pub(crate) use zone::{DnsTrouble, Zone};

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel::{Server, ServerHandle};
use evenkeel_testkit::echo::EchoService;
use fastrand::Rng;
use http::Request;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tower::util::MapRequestLayer;

use crate::judge::Judge;
use crate::log::Log;
use crate::net::Net;

/// The request header that says which call it is.
pub(crate) const CALL: &str = "x-echo-call";
pub(crate) const PORT: u16 = 50_051;
/// What Kubernetes gives a pod to end, less what others need of it.
const DRAIN: Duration = Duration::from_secs(20);

/// The pods. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) net: Net,
    pub(crate) zone: Zone,
    pub(crate) log: Log,
    pub(crate) judge: Judge,
    pub(crate) clients: Vec<IpAddr>,
    max_age: Option<Duration>,
    /// Every other pod has an IPv6 address only.
    mixed: bool,
    pods: Arc<Mutex<Pods>>,
}

#[derive(Default)]
struct Pods {
    all: BTreeMap<IpAddr, Pod>,
    last: u16,
}

struct Pod {
    /// None while no process of ours runs there.
    process: Option<Process>,
    /// A fault has its hands on it.
    busy: bool,
}

struct Process {
    handle: ServerHandle,
    task: JoinHandle<()>,
}

impl Cluster {
    pub(crate) fn new(
        net: Net,
        zone: Zone,
        log: Log,
        judge: Judge,
        clients: Vec<IpAddr>,
        max_age: Option<Duration>,
        mixed: bool,
    ) -> Self {
        Self { net, zone, log, judge, clients, max_age, mixed, pods: Arc::default() }
    }

    /// Starts a pod at an address that none had before.
    pub(crate) fn add_pod(&self) -> IpAddr {
        let ip = {
            let mut pods = self.pods();
            pods.last += 1;
            if self.mixed && pods.last.is_multiple_of(2) {
                IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, pods.last))
            } else {
                let [high, low] = pods.last.to_be_bytes();
                IpAddr::V4(Ipv4Addr::new(10, 0, high, low))
            }
        };
        self.net.add_host(ip);
        self.pods().all.insert(ip, Pod { process: None, busy: false });
        self.judge.on_pod_added(ip);
        self.start_process(ip);
        ip
    }

    /// Runs evenkeel's server at the pod's address.
    pub(crate) fn start_process(&self, ip: IpAddr) {
        let listener = self.net.listen(SocketAddr::new(ip, PORT));
        let judge = self.judge.clone();
        let note = move |request: Request<Body>| {
            let call = request.headers().get(CALL).and_then(|call| call.to_str().ok());
            if let Some(call) = call {
                judge.on_processed(call, ip);
            }
            request
        };
        let mut server = Server::builder()
            .layer(MapRequestLayer::new(note))
            .add_service(EchoService::new(&ip.to_string()).into_server());
        if let Some(age) = self.max_age {
            server = server.max_connection_age(age);
        }
        match server.bind_incoming(listener) {
            Err(error) => self.judge.blame(format!("{ip} cannot serve: {error}")),
            Ok(bound) => {
                let handle = bound.handle();
                let (log, judge) = (self.log.clone(), self.judge.clone());
                let task = tokio::spawn(async move {
                    match bound.serve().await {
                        Ok(report) if report.calls_cut > 0 => {
                            judge.blame(format!("{ip} cut {} calls in its drain", report.calls_cut));
                        }
                        Ok(_) => log.add(format!("{ip} has drained")),
                        Err(error) => judge.blame(format!("{ip} failed: {error}")),
                    }
                });
                if let Some(pod) = self.pods().all.get_mut(&ip) {
                    pod.process = Some(Process { handle, task });
                }
            }
        }
    }

    /// SIGKILL: the process is gone, its kernel closes its sockets.
    pub(crate) fn kill(&self, ip: IpAddr) {
        if let Some(process) = self.take_process(ip) {
            process.task.abort();
        }
    }

    /// SIGTERM: drains, and returns when the process has ended.
    pub(crate) async fn drain(&self, ip: IpAddr) {
        if let Some(process) = self.take_process(ip) {
            process.handle.drain(DRAIN);
            // Its own failures are blamed where it runs.
            let _ = process.task.await;
        }
    }

    /// The pod is gone for good, and its address with it.
    pub(crate) fn remove(&self, ip: IpAddr) {
        self.net.remove_host(ip);
        self.zone.withdraw(ip);
        self.pods().all.remove(&ip);
    }

    /// Picks a pod that no fault has its hands on, and keeps others away until [`Cluster::release`]. None when fewer
    /// than `spare` others are untouched.
    pub(crate) fn seize(&self, random: &mut Rng, spare: usize) -> Option<IpAddr> {
        let mut pods = self.pods();
        let idle: Vec<IpAddr> = pods.all.iter().filter(|(_, pod)| !pod.busy).map(|(ip, _)| *ip).collect();
        if idle.len() <= spare {
            return None;
        }
        let ip = idle.get(random.usize(..idle.len())).copied()?;
        pods.all.get_mut(&ip)?.busy = true;
        Some(ip)
    }

    /// Picks all pods that no fault has its hands on.
    pub(crate) fn seize_all(&self) -> Vec<IpAddr> {
        let mut pods = self.pods();
        let idle = pods.all.iter_mut().filter(|(_, pod)| !pod.busy);
        idle.map(|(ip, pod)| {
            pod.busy = true;
            *ip
        })
        .collect()
    }

    pub(crate) fn release(&self, ip: IpAddr) {
        if let Some(pod) = self.pods().all.get_mut(&ip) {
            pod.busy = false;
        }
    }

    /// Whether servers end connections by age.
    pub(crate) fn is_aging(&self) -> bool {
        self.max_age.is_some()
    }

    pub(crate) fn pod_ips(&self) -> Vec<IpAddr> {
        self.pods().all.keys().copied().collect()
    }

    fn take_process(&self, ip: IpAddr) -> Option<Process> {
        self.pods().all.get_mut(&ip)?.process.take()
    }

    fn pods(&self) -> MutexGuard<'_, Pods> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
