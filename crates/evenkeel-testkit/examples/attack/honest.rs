//! Callers that keep the rules: whether they are served is half of each verdict.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// A call that has waited so long is a failed one.
const DEADLINE: Duration = Duration::from_secs(2);
/// One call each of these.
const PACE: Duration = Duration::from_millis(100);

/// What became of the calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) worst: Duration,
    pub(crate) first_failure: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GetSchoolRequest {
    #[prost(int64, tag = "1")]
    id: i64,
    #[prost(uint32, tag = "2")]
    note_bytes: u32,
}

/// The answer's school is not looked at.
#[derive(Clone, PartialEq, prost::Message)]
struct GetSchoolResponse {}

/// A caller with a thread of its own, whom the attackers' load does not slow down.
pub(crate) struct Caller {
    thread: JoinHandle<Served>,
    over: watch::Sender<bool>,
}

impl Caller {
    /// Connects, and calls until [`Caller::end`].
    pub(crate) fn start(to: SocketAddr) -> Self {
        let (over, until) = watch::channel(false);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(call_at_pace(to, until))
        });
        Self { thread, over }
    }

    pub(crate) async fn end(self) -> Served {
        self.over.send_replace(true);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        joined.expect("the thread is waited for").expect("the caller does not panic")
    }
}

async fn call_at_pace(to: SocketAddr, mut until: watch::Receiver<bool>) -> Served {
    let mut served = Served::default();
    let channel = channel(to);
    let mut calls = JoinSet::new();
    let mut pace = interval(PACE);
    loop {
        tokio::select! {
            _ = until.changed() => break,
            _ = pace.tick() => { calls.spawn(call(channel.clone(), 100)); }
            Some(result) = calls.join_next() => served.add(result.expect("a call does not panic")),
        }
    }
    while let Some(result) = calls.join_next().await {
        served.add(result.expect("a call does not panic"));
    }
    served
}

/// 16 callers on each of `connections`, without a pause, until `until`.
pub(crate) async fn traffic(to: SocketAddr, connections: u32, until: Instant) -> Served {
    let mut callers = JoinSet::new();
    for _ in 0..connections {
        let channel = channel(to);
        for _ in 0..16 {
            let channel = channel.clone();
            callers.spawn(async move {
                let mut served = Served::default();
                while Instant::now() < until {
                    served.add(call(channel.clone(), 10_000).await);
                }
                served
            });
        }
    }
    let mut all = Served::default();
    while let Some(served) = callers.join_next().await {
        all.merge(served.expect("a caller does not panic"));
    }
    all
}

fn channel(to: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{to}")).expect("an address makes a URI").connect_lazy()
}

async fn call(channel: Channel, note_bytes: u32) -> Result<Duration, String> {
    let start = Instant::now();
    let mut client = Grpc::new(channel);
    let answer = timeout(DEADLINE, async {
        client.ready().await.map_err(|error| error.to_string())?;
        let path = PathAndQuery::from_static("/school.v1.School/GetSchool");
        let codec = ProstCodec::<GetSchoolRequest, GetSchoolResponse>::default();
        let request = Request::new(GetSchoolRequest { id: 1, note_bytes });
        client.unary(request, path, codec).await.map(drop).map_err(|status| format!("{status:?}"))
    });
    answer.await.unwrap_or_else(|_| Err(format!("no answer within {DEADLINE:?}")))?;
    Ok(start.elapsed())
}

impl Served {
    fn add(&mut self, result: Result<Duration, String>) {
        self.calls += 1;
        match result {
            Ok(took) => self.worst = self.worst.max(took),
            Err(why) => {
                self.failed += 1;
                self.first_failure.get_or_insert(why);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.worst = self.worst.max(other.worst);
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }
}
