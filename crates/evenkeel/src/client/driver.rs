//! The one task that owns a channel's resolver, policy and subchannels.

mod connections;
mod idle;
mod resolving;

use std::ops::ControlFlow;
use std::sync::Arc;

use evenkeel_core::balance::{Published, Rejected, SubchannelId, WakeToken};
use evenkeel_core::channel::{Action, AttemptId, ChannelCore, Difference};
use evenkeel_core::event::{
    ChannelStateChanged, Event, RefreshRequested, ResolutionFailed, Resolved, SubchannelStateChanged,
    UpdateRejected,
};
use evenkeel_core::state::ConnectivityState;
use evenkeel_core::time::Time;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;

use super::config::Config;
use super::connect::{Attempt, AttemptEvent, Runner};
use super::resolve::{Absence, Reply, Report, Update, Urgency, Verdict};
use super::shared::{CLOSED, Shared};
use super::subchannel::Subchannels;
use crate::clock::Clock;
use crate::http2::client::Trust;
use connections::Connections;
use idle::IdleTimer;
use resolving::Resolving;

/// What a channel's handles ask of its driver.
pub(super) enum Command {
    /// A call or the program wants the channel to leave IDLE.
    ExitIdle,
    /// A call waits until the policy has done something.
    Wake(WakeToken),
    /// End everything now and say when it is done.
    Close(oneshot::Sender<()>),
}

/// A channel's driver. Feeds what happens to the deciding core and does what the core says.
pub(super) struct Driver {
    shared: Arc<Shared>,
    config: Arc<Config>,
    commands: mpsc::UnboundedReceiver<Command>,
    attempts: mpsc::UnboundedReceiver<(SubchannelId, AttemptId, AttemptEvent)>,
    runner: Runner,
    clock: Clock,
    /// `None` while the channel is IDLE.
    decisions: Option<ChannelCore>,
    resolving: Option<Resolving>,
    connections: Connections,
    tasks: JoinSet<()>,
    idle: IdleTimer,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        config: Arc<Config>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let (events, attempts) = mpsc::unbounded_channel();
        let runner = Runner {
            transport: config.transport.clone(),
            settings: config.http2,
            events,
            cut: shared.cut.subscribe(),
            complaints: Arc::default(),
            observers: config.observers.clone(),
        };
        Self {
            idle: IdleTimer::new(config.idle_timeout),
            connections: Connections::new(config.observers.clone()),
            shared,
            config,
            commands,
            attempts,
            runner,
            clock: Clock::start(),
            decisions: None,
            resolving: None,
            tasks: JoinSet::new(),
        }
    }

    /// Runs until the channel's last handle is dropped or one of them closes it.
    pub(super) async fn run(mut self) {
        loop {
            let wake = self.next_wake();
            tokio::select! {
                command = self.commands.recv() => {
                    if self.on_command(command).await.is_break() {
                        return;
                    }
                }
                Some(event) = self.attempts.recv() => self.on_attempt(event),
                answer = next_answer(&mut self.resolving) => self.on_answer(answer),
                () = sleep_until(wake) => self.on_wakeup(),
                Some(ended) = self.tasks.join_next_with_id() => self.on_task_ended(ended),
            }
            // All that has happened goes into one picker.
            while let Ok(event) = self.attempts.try_recv() {
                self.on_attempt(event);
            }
            self.apply();
        }
    }

    async fn on_command(&mut self, command: Option<Command>) -> ControlFlow<()> {
        match command {
            Some(Command::ExitIdle) => {
                self.exit_idle();
                ControlFlow::Continue(())
            }
            Some(Command::Wake(token)) => {
                let now = self.now();
                if let Some(decisions) = &mut self.decisions {
                    decisions.on_wake(now, token);
                }
                ControlFlow::Continue(())
            }
            Some(Command::Close(done)) => {
                self.shared.cut.send_replace(true);
                self.stop(CLOSED);
                while self.tasks.join_next().await.is_some() {}
                // Whoever asked may have stopped listening.
                let _ = done.send(());
                ControlFlow::Break(())
            }
            None => {
                self.stop("the channel was dropped");
                // Connections end with the calls that still run on them.
                self.tasks.detach_all();
                ControlFlow::Break(())
            }
        }
    }

    fn on_attempt(&mut self, (id, attempt, event): (SubchannelId, AttemptId, AttemptEvent)) {
        let now = self.now();
        let Some(decisions) = &mut self.decisions else { return };
        match event {
            AttemptEvent::Connected { connection, life } => {
                let is_wanted = decisions.on_connected(now, id, attempt);
                self.connections.on_connected((id, attempt), (connection, life), is_wanted);
            }
            AttemptEvent::Failed(cause) => {
                self.connections.on_attempt_failed(attempt);
                decisions.on_attempt_failed(now, id, attempt, cause);
            }
            AttemptEvent::Trust(Trust::Suspect { served, cause }) => {
                self.connections.on_suspected(attempt, &cause);
                decisions.on_suspected(now, id, attempt, served, cause);
            }
            AttemptEvent::Trust(Trust::Whole) => {
                self.connections.on_trusted(attempt);
                decisions.on_trusted(now, id, attempt);
            }
            AttemptEvent::Retired(end) => {
                self.connections.on_ended(attempt);
                decisions.on_retired(now, id, attempt, end.served, end.cause);
            }
        }
    }

    fn on_answer(&mut self, answer: Option<Report>) {
        let now = self.now();
        let Some(resolving) = &mut self.resolving else { return };
        let Some((update, reply)) = answer.or_else(|| resolving.on_end()) else { return };
        let Some(decisions) = &mut self.decisions else { return };
        let (endpoints, next) = (update.endpoints.clone(), update.next);
        let (difference, verdict) = match decisions.on_update(now, update) {
            Ok(difference) => (difference, Verdict::Accepted),
            Err(Rejected(reason)) => (Difference::default(), Verdict::Rejected(reason)),
        };
        let Difference { added, removed } = difference;
        let observers = &self.config.observers;
        observers.tell(&match endpoints {
            Ok(endpoints) => {
                Event::Resolved(Resolved::new(endpoints).changed(added, removed).again_after(next))
            }
            Err(absence) => Event::ResolutionFailed(not_resolved(&absence).again_after(next)),
        });
        if let Verdict::Rejected(reason) = &verdict {
            observers.tell(&Event::UpdateRejected(UpdateRejected::new(Arc::clone(reason))));
        }
        reply.say(verdict);
    }

    /// A task that panicked is a bug: somebody's observer, resolver or connector, or ours. It must not go unseen.
    fn on_task_ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let Err(error) = ended else { return };
        if !error.is_panic() {
            return;
        }
        tracing::error!(channel = %self.config.target, %error, "a task of the channel panicked");
        if self.resolving.as_ref().is_some_and(|resolving| resolving.is_task(error.id())) {
            let failure = Update::failed("the resolver panicked, and the name is not looked up again");
            self.on_answer(Some((failure, Reply::to_nobody())));
        }
    }

    fn on_wakeup(&mut self) {
        let now = self.now();
        if let Some(decisions) = &mut self.decisions
            && decisions.next_wakeup().is_some_and(|due| due <= now)
        {
            decisions.on_wakeup(now);
        }
        if self.decisions.is_some() && self.idle.is_over(Instant::now(), &self.shared.activity) {
            self.enter_idle();
        }
    }

    /// Does what the core decided.
    fn apply(&mut self) {
        let Some(mut decisions) = self.decisions.take() else { return };
        for action in decisions.take_actions() {
            self.act(action);
        }
        if let Some(published) = decisions.take_publication() {
            let state = published.state;
            let before = self.shared.publish(published, self.connections.table());
            self.report_state(before, state);
        }
        self.decisions = Some(decisions);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect { id, attempt, address, deadline } => {
                let subchannel = self.connections.key(id);
                let deadline = self.clock.deadline(deadline);
                let task = self.runner.clone().run(Attempt { id, attempt, subchannel, address, deadline });
                self.connections.on_attempt(attempt, self.tasks.spawn(task));
            }
            Action::Release { id, attempt } => self.connections.release(id, attempt),
            Action::SetAside { id, attempt } => self.connections.set_aside(id, attempt),
            Action::TakeBack { id, attempt } => self.connections.take_back(id, attempt),
            Action::Resolve(urgency) => {
                if let Some(resolving) = &self.resolving {
                    resolving.request(urgency);
                    let urgent = urgency > Urgency::Calm;
                    self.config.observers.tell(&Event::RefreshRequested(RefreshRequested::new(urgent)));
                }
            }
            Action::Report { id, address, from, to, cause } => {
                let subchannel = self.connections.key(id);
                if to == ConnectivityState::Shutdown {
                    self.connections.remove_subchannel(id);
                }
                let change = SubchannelStateChanged::new(subchannel, address, from, to).because(cause);
                self.config.observers.tell(&Event::SubchannelState(change));
            }
        }
    }

    fn exit_idle(&mut self) {
        let now = self.now();
        if let Some(decisions) = &mut self.decisions {
            // The policy may be IDLE though the channel is at work.
            decisions.exit_idle(now);
            return;
        }
        let random = Box::new(|| fastrand::u64(..));
        self.decisions = Some(ChannelCore::new(Arc::clone(&self.config.policy), self.config.connect, random));
        self.idle.restart(Instant::now());
        // CONNECTING is published before the resolver has said anything: who waits for a change must see it.
        self.apply();
        self.resolving = Some(Resolving::start(&self.config, &mut self.tasks));
    }

    fn enter_idle(&mut self) {
        self.release_all();
        let before = self.shared.publish(Published::waiting(ConnectivityState::Idle), Subchannels::default());
        self.report_state(before, ConnectivityState::Idle);
    }

    fn stop(&mut self, reason: &str) {
        self.release_all();
        let before = self.shared.publish_shutdown(reason);
        self.report_state(before, ConnectivityState::Shutdown);
    }

    fn release_all(&mut self) {
        if let Some(mut decisions) = self.decisions.take() {
            decisions.shut_down(self.now());
            for action in decisions.take_actions() {
                self.act(action);
            }
        }
        // The next life of the channel counts its attempts anew: news of this one's must not reach it.
        (self.runner.events, self.attempts) = mpsc::unbounded_channel();
        self.connections = Connections::new(self.config.observers.clone());
        self.resolving = None;
    }

    fn report_state(&self, from: ConnectivityState, to: ConnectivityState) {
        if from != to {
            self.config.observers.tell(&Event::ChannelState(ChannelStateChanged::new(from, to)));
        }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn next_wake(&self) -> Option<Instant> {
        let decisions = self.decisions.as_ref()?;
        let due = decisions.next_wakeup().and_then(|due| self.clock.instant(due));
        [due, self.idle.next_check()].into_iter().flatten().min()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Calls must not wait for ever.
        if self.shared.snapshot().state != ConnectivityState::Shutdown {
            self.shared.publish_shutdown(if std::thread::panicking() {
                "the channel's own task panicked: a fault of evenkeel, or of a policy of the program's own"
            } else {
                // It drops its tasks where they stand.
                "the runtime that the channel ran on has shut down"
            });
        }
    }
}

async fn next_answer(resolving: &mut Option<Resolving>) -> Option<Report> {
    match resolving {
        Some(resolving) => resolving.next().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

fn not_resolved(absence: &Absence) -> ResolutionFailed {
    let text = absence.to_string();
    match absence {
        Absence::Absent(_) => ResolutionFailed::absent(text),
        _ => ResolutionFailed::failed(text),
    }
}
