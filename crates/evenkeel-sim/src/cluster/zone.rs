//! The cluster's DNS: a headless Service's name, as a cache answers for it, on good days and bad ones.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_testkit::dns::{Query, RecordType, Reply, Transport, answer};
use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use crate::judge::Judge;
use crate::net::{Listener, Net, Service, Stream};

/// Where the cluster's DNS server is.
pub(crate) const DNS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 96, 0, 10)), 53);
const NAME: &str = "pods.default.svc.cluster.local";

/// The zone. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Zone(Arc<Mutex<Inner>>);

/// What is wrong with DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DnsTrouble {
    ServFail,
    Refused,
    NxDomain,
    NoData,
    Silence,
    Garbage,
    /// Late answers.
    Slow(Duration),
    /// Answers only over TCP.
    Truncated,
    TruncatedThenSilence,
    AlwaysTruncated,
    /// Questions for A records fail.
    V4Fails,
    /// Questions for AAAA records fail.
    V6Fails,
    /// The answer of before, whatever happens.
    Stale,
}

struct Inner {
    pods: Vec<IpAddr>,
    trouble: Option<DnsTrouble>,
    ttl: u32,
    cached: Option<(Instant, Vec<IpAddr>)>,
    judge: Judge,
    random: Rng,
}

impl Zone {
    pub(crate) fn new(ttl: u32, judge: Judge, random: Rng) -> Self {
        let inner = Inner { pods: Vec::new(), trouble: None, ttl, cached: None, judge, random };
        Self(Arc::new(Mutex::new(inner)))
    }

    pub(crate) fn publish(&self, pod: IpAddr) {
        let mut inner = self.inner();
        if !inner.pods.contains(&pod) {
            inner.pods.push(pod);
        }
    }

    pub(crate) fn withdraw(&self, pod: IpAddr) {
        self.inner().pods.retain(|known| *known != pod);
    }

    pub(crate) fn set_trouble(&self, trouble: Option<DnsTrouble>) {
        self.inner().trouble = trouble;
    }

    pub(crate) fn is_in_trouble(&self) -> bool {
        self.inner().trouble.is_some()
    }

    /// Answers at [`DNS`], over datagrams and connections, until dropped.
    pub(crate) async fn serve(self, net: Net) {
        net.add_host(DNS.ip());
        let zone = self.clone();
        let service: Service =
            Arc::new(move |question| answer(question, Transport::Udp, |query| zone.reply(query)));
        net.serve_datagrams(DNS, service);
        let mut listener: Listener = net.listen(DNS);
        let mut conversations = tokio::task::JoinSet::new();
        while let Some(stream) = listener.accept().await {
            conversations.spawn(self.clone().converse(stream));
            while conversations.try_join_next().is_some() {}
        }
    }

    async fn converse(self, mut stream: Stream) -> std::io::Result<()> {
        loop {
            let mut question = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut question).await?;
            let answered = answer(&question, Transport::Tcp, |query| self.reply(query));
            if let Some((delay, bytes)) = answered {
                sleep(delay).await;
                stream.write_all(&[&(bytes.len() as u16).to_be_bytes(), &bytes[..]].concat()).await?;
            }
        }
    }

    fn reply(&self, query: &Query) -> Reply {
        let mut inner = self.inner();
        match inner.trouble {
            Some(DnsTrouble::ServFail) => Reply::servfail(),
            Some(DnsTrouble::Refused) => Reply::refused(),
            Some(DnsTrouble::NxDomain) => Reply::nxdomain(),
            Some(DnsTrouble::NoData) => Reply::no_data(),
            Some(DnsTrouble::Silence) => Reply::silence(),
            Some(DnsTrouble::Garbage) => Reply::garbage(),
            _ if query.name != NAME => Reply::nxdomain(),
            Some(DnsTrouble::V4Fails) if query.record_type == Some(RecordType::A) => Reply::servfail(),
            Some(DnsTrouble::V6Fails) if query.record_type == Some(RecordType::Aaaa) => Reply::servfail(),
            Some(DnsTrouble::Slow(delay)) => inner.records().delayed(delay),
            Some(DnsTrouble::Truncated) => inner.records().truncated(),
            Some(DnsTrouble::TruncatedThenSilence) => inner.records().truncated_then_silence(),
            Some(DnsTrouble::AlwaysTruncated) => inner.records().always_truncated(),
            Some(DnsTrouble::V4Fails | DnsTrouble::V6Fails | DnsTrouble::Stale) | None => inner.records(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// What a cache says: the answer of its last look and what is left of its TTL, in another order each time.
    fn records(&mut self) -> Reply {
        let now = Instant::now();
        let ttl = Duration::from_secs(self.ttl.into());
        let is_fresh = |cached: &(Instant, Vec<IpAddr>)| now < cached.0 + ttl;
        let is_stale = self.trouble == Some(DnsTrouble::Stale);
        if !self.cached.as_ref().is_some_and(|cached| is_stale || is_fresh(cached)) {
            self.judge.on_published(&self.pods);
            self.cached = Some((now, self.pods.clone()));
        }
        let Some((looked, mut pods)) = self.cached.clone() else { return Reply::nxdomain() };
        if pods.is_empty() {
            self.cached = None;
            return Reply::nxdomain();
        }
        self.random.shuffle(&mut pods);
        let left = (looked + ttl).saturating_duration_since(now).as_secs() as u32;
        Reply::addresses(left, pods)
    }
}
