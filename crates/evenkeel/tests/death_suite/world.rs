//! Two healthy pods beside the one that a test plays, one channel over all three, and steady calls through it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::event::SubchannelStateChanged;
use evenkeel::{Channel, ChannelBuilder, ConnectivityState, Event, Observer};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tonic::{Code, Request, Status};

use super::support::{Client, message, within};

const HEALTHY: [&str; 2] = ["healthy-1", "healthy-2"];

/// From the start of one steady call to the next.
const PACE: Duration = Duration::from_millis(5);

/// A steady call's deadline where no call may fail: long, since a starved machine must not fail the test.
const PATIENT: Duration = Duration::from_secs(20);

/// Two healthy pods and a bad one, under steady calls.
pub(crate) struct World {
    pub(crate) channel: Channel,
    pub(crate) events: Arc<Events>,
    bad: SocketAddr,
    _healthy: [TonicServer; 2],
    tally: Arc<watch::Sender<Tally>>,
    stop: oneshot::Sender<()>,
    load: JoinHandle<()>,
}

/// What became of the steady calls.
#[derive(Clone, Debug, Default)]
struct Tally {
    /// By the name of the pod that answered.
    ok: BTreeMap<String, usize>,
    failed: Vec<Status>,
}

/// The changes of the channel and its subchannels, each as one line.
#[derive(Debug, Default)]
pub(crate) struct Events {
    channel_states: Mutex<Vec<ConnectivityState>>,
    causes: watch::Sender<Vec<(String, String)>>,
}

impl World {
    /// Starts the healthy pods, the channel and the calls, and waits until both healthy pods have answered.
    pub(crate) async fn start(bad: SocketAddr) -> Self {
        Self::start_with(bad, PATIENT, |builder| builder).await
    }

    /// The same with a deadline for the steady calls, and with settings.
    pub(crate) async fn start_with(
        bad: SocketAddr,
        timeout: Duration,
        set: impl FnOnce(ChannelBuilder) -> ChannelBuilder,
    ) -> Self {
        let healthy = HEALTHY.map(TonicServer::start);
        let [a, b] = healthy.each_ref().map(TonicServer::address);
        let events = Arc::<Events>::default();
        let builder = Channel::builder(format!("ipv4:{bad},{a},{b}")).observer(events.clone());
        let channel = set(builder).build().expect("the target is good");
        let tally = Arc::new(watch::Sender::default());
        let (stop, stopped) = oneshot::channel();
        let load = tokio::spawn(steady(EchoClient::new(channel.clone()), timeout, tally.clone(), stopped));
        let world = Self { channel, events, bad, _healthy: healthy, tally, stop, load };
        world.goes_on().await;
        world
    }

    pub(crate) fn client(&self) -> Client {
        EchoClient::new(self.channel.clone())
    }

    /// Waits until each healthy pod has answered twenty calls more.
    pub(crate) async fn goes_on(&self) {
        let before = self.tally.borrow().clone();
        self.tally_is("calls answered by the healthy pods", |tally| {
            HEALTHY.iter().all(|name| tally.answered(name) >= before.answered(name) + 20)
        })
        .await;
    }

    /// Waits until the bad pod, under this name, has answered `count` calls more.
    pub(crate) async fn bad_serves(&self, name: &str, count: usize) {
        let before = self.tally.borrow().answered(name);
        self.tally_is("calls answered by the bad pod", |tally| tally.answered(name) >= before + count).await;
    }

    /// Waits until `count` calls in all have failed.
    pub(crate) async fn failures(&self, count: usize) {
        self.tally_is("failed calls", |tally| tally.failed.len() >= count).await;
    }

    /// Waits until the bad pod's subchannel has failed, or lost its connection, for a cause with `text` in it.
    pub(crate) async fn bad_is_lost(&self, text: &str) {
        let bad = self.bad.to_string();
        self.events.lost(&bad, text, 1).await;
    }

    /// Ends the calls. The channel was READY all the time, the healthy pods went on to the end, and whatever failed
    /// was on the bad pod and says so. Returns what failed.
    pub(crate) async fn end(self) -> Vec<Status> {
        self.goes_on().await;
        assert_eq!(self.events.channel_states(), [ConnectivityState::Connecting, ConnectivityState::Ready]);
        self.finish().await
    }

    /// The same where no endpoint may be READY for a moment.
    pub(crate) async fn finish(self) -> Vec<Status> {
        self.goes_on().await;
        drop(self.stop);
        within("the end of the steady calls", self.load).await.unwrap();
        let failed = self.tally.borrow().failed.clone();
        for status in &failed {
            let told = status.message().contains(&self.bad.to_string());
            assert!(told, "a call that had nothing to do with {} failed: {status:?}", self.bad);
        }
        failed
    }

    /// The same where not even the bad pod may cost a call.
    pub(crate) async fn end_without_failure(self) {
        let failed = self.end().await;
        assert!(failed.is_empty(), "{} calls failed: {:?}", failed.len(), failed[0]);
    }

    /// The same where calls on the bad pod fail with UNAVAILABLE.
    pub(crate) async fn end_with_unavailable(self) {
        for status in self.end().await {
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        }
    }

    async fn tally_is(&self, what: &str, wanted: impl Fn(&Tally) -> bool) {
        let mut tally = self.tally.subscribe();
        within(what, async { tally.wait_for(|tally| wanted(tally)).await.map(drop) }).await.unwrap();
    }
}

impl Tally {
    fn answered(&self, name: &str) -> usize {
        self.ok.get(name).copied().unwrap_or(0)
    }
}

/// Starts a call every [`PACE`], however the calls before it fare; at the end, waits for those that run.
async fn steady(
    client: Client,
    timeout: Duration,
    tally: Arc<watch::Sender<Tally>>,
    mut stop: oneshot::Receiver<()>,
) {
    let mut calls = JoinSet::new();
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut stop => break,
            Some(_) = calls.join_next() => {}
            _ = ticks.tick() => {
                let (mut client, tally) = (client.clone(), tally.clone());
                calls.spawn(async move {
                    let started = Instant::now();
                    let mut request = Request::new(message("steady"));
                    request.set_timeout(timeout);
                    let answer = client.unary(request).await;
                    assert!(started.elapsed() < timeout + PATIENT, "a call ends by its deadline");
                    tally.send_modify(|tally| match answer {
                        Ok(answer) => *tally.ok.entry(answer.into_inner().served_by).or_default() += 1,
                        Err(status) => tally.failed.push(status),
                    });
                });
            }
        }
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}

impl Events {
    pub(crate) fn channel_states(&self) -> Vec<ConnectivityState> {
        self.channel_states.lock().unwrap().clone()
    }

    /// Waits until the endpoint has failed or was lost `count` times for a cause with `text` in it.
    pub(crate) async fn lost(&self, endpoint: &str, text: &str, count: usize) {
        let mut causes = self.causes.subscribe();
        let fits = |(at, cause): &&(String, String)| at == endpoint && cause.contains(text);
        let enough = causes.wait_for(|causes| causes.iter().filter(fits).count() >= count);
        let enough = tokio::time::timeout(evenkeel_testkit::raw::DEADLINE, enough).await;
        assert!(enough.is_ok(), "{endpoint} was not lost for {text:?}: {:?}", self.causes.borrow());
    }
}

impl Observer for Events {
    fn on_event(&self, event: &Event) {
        match event {
            Event::ChannelState(change) => self.channel_states.lock().unwrap().push(change.to),
            Event::SubchannelState(SubchannelStateChanged { address, cause: Some(cause), .. }) => {
                self.causes.send_modify(|causes| causes.push((address.to_string(), cause.to_string())));
            }
            _ => {}
        }
    }
}
