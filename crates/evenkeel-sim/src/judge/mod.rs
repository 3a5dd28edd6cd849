//! Says of each call whether it may have ended as it did.

mod calls;
mod steady;
mod watch;

pub(crate) use calls::{Call, Ended};
pub(crate) use steady::Harm;
pub(crate) use watch::Watch;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel::Endpoint;

use crate::faults::Fault;
use crate::log::Log;
use calls::Calls;
use steady::{Knowledge, Steady};

/// The judge of one world. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Judge {
    log: Log,
    state: Arc<Mutex<State>>,
}

struct State {
    knowledge: Knowledge,
    calls: Calls,
    faults: BTreeMap<Fault, u64>,
    violations: Vec<Violation>,
}

/// So many answers in a window that a pod without one is forgotten: several times the number of pods.
const MANY: u64 = 100;

/// A time in which every steady pod must have calls.
pub(crate) struct Window {
    client: IpAddr,
    counted: Vec<(Steady, u64)>,
    answers: u64,
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Since the world's beginning.
    pub at: Duration,
    /// What, and why it must not.
    pub text: String,
}

/// What the judge counted.
pub(crate) struct Verdict {
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) covered: u64,
    pub(crate) violations: Vec<Violation>,
}

impl Judge {
    pub(crate) fn new(log: Log, clients: &[IpAddr], aging: bool) -> Self {
        let state = State {
            knowledge: Knowledge::new(clients, aging),
            calls: Calls::default(),
            faults: BTreeMap::new(),
            violations: Vec::new(),
        };
        Self { log, state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn on_fault(&self, fault: Fault, text: String) {
        *self.state().faults.entry(fault).or_default() += 1;
        self.log.add(format!("FAULT {text}"));
    }

    pub(crate) fn on_pod_added(&self, pod: IpAddr) {
        self.state().knowledge.on_pod_added(pod);
    }

    /// The pod drains: nobody counts on it any more, and it has no excuse.
    pub(crate) fn on_leaving(&self, pod: IpAddr) {
        self.state().knowledge.on_leaving(pod);
    }

    /// `client`: only between it and the pod.
    pub(crate) fn on_trouble(&self, pod: IpAddr, client: Option<IpAddr>, harm: Harm) {
        self.state().knowledge.on_trouble(pod, client, harm);
    }

    pub(crate) fn on_trouble_over(&self, pod: IpAddr, client: Option<IpAddr>, harm: Harm) {
        self.state().knowledge.on_trouble_over(pod, client, harm);
    }

    pub(crate) fn on_resolved(&self, client: IpAddr, endpoints: &[Endpoint]) {
        let pods: Vec<IpAddr> = endpoints.iter().filter_map(calls::ip_of).collect();
        if !self.state().knowledge.on_resolved(client, &pods) {
            self.blame(format!("{client} resolved what DNS never said: {pods:?}"));
        }
    }

    /// DNS has this answer for the name.
    pub(crate) fn on_published(&self, pods: &[IpAddr]) {
        self.state().knowledge.on_published(pods);
    }

    /// From now on, calls are looked for at each pod that is steady.
    pub(crate) fn on_window_opened(&self, client: IpAddr) -> Window {
        let state = self.state();
        let steady = state.knowledge.steady(client).into_iter();
        let counted = steady.map(|steady| (steady, state.calls.answers(client, steady.pod))).collect();
        Window { client, counted, answers: state.calls.answers_of(client) }
    }

    /// A pod that was steady all the while, and had no call among many, is forgotten.
    pub(crate) fn on_window_closed(&self, window: Window) {
        let Window { client, counted, answers } = window;
        let forgotten: Vec<IpAddr> = {
            let state = self.state();
            let many = state.calls.answers_of(client) - answers >= MANY;
            let is_forgotten = |(steady, answers): &(Steady, u64)| {
                many && state.knowledge.is_still(client, steady)
                    && state.calls.answers(client, steady.pod) == *answers
            };
            counted.iter().filter(|counted| is_forgotten(counted)).map(|(steady, _)| steady.pod).collect()
        };
        for pod in forgotten {
            self.blame(format!("{pod} was well for some time and had no call of {client}"));
        }
    }

    pub(crate) fn on_absent(&self, client: IpAddr) {
        self.state().knowledge.on_absent(client);
    }

    /// A pod's handler has begun with the call.
    pub(crate) fn on_processed(&self, call: &str, pod: IpAddr) {
        let times = self.state().calls.on_processed(call, pod);
        if times > 1 {
            self.blame(format!("call {call} was processed {times} times, now by {pod}"));
        }
    }

    pub(crate) fn on_call_started(&self, client: IpAddr) -> Call {
        let mut state = self.state();
        let steady = state.knowledge.steady(client);
        state.calls.on_started(client, steady)
    }

    /// Judges the call's end, and logs it.
    pub(crate) fn on_call_ended(&self, call: Call, ended: Ended) {
        let (line, objection) = {
            let mut state = self.state();
            let State { knowledge, calls, .. } = &mut *state;
            calls.on_ended(&call, &ended, knowledge)
        };
        self.log.add(line);
        if let Some(objection) = objection {
            self.blame(objection);
        }
    }

    /// Calls that have begun and not ended.
    pub(crate) fn running_calls(&self) -> u64 {
        self.state().calls.running()
    }

    /// From now on, answers are counted anew, by client and pod.
    pub(crate) fn restart_shares(&self) {
        self.state().calls.shares.clear();
    }

    /// The answers that each client had from each pod.
    pub(crate) fn shares(&self) -> BTreeMap<(IpAddr, IpAddr), u64> {
        self.state().calls.shares.clone()
    }

    /// Something happened that must not.
    pub(crate) fn blame(&self, text: String) {
        self.log.add(format!("VIOLATION {text}"));
        let at = self.log.elapsed();
        self.state().violations.push(Violation { at, text });
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let state = self.state();
        Verdict {
            faults: state.faults.clone(),
            calls: state.calls.outcomes.clone(),
            covered: state.calls.covered,
            violations: state.violations.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
