//! One case after the other, each on a server of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use crate::acts;
use crate::args::Plan;
use crate::cases::{Act, CASES, Case, WITHOUT_LIMITS};
use crate::honest::{self, Caller, Served};
use crate::pod::{Memory, Pod};
use crate::report::{self, Outcome};

/// What a drain may take: the 3 s that it is given, and some for the process to end on a busy machine.
const DRAIN_ENDS: Duration = Duration::from_millis(3_500);

/// Runs what is planned; returns how many failed.
pub(crate) async fn all(plan: &Plan) -> usize {
    for name in &plan.cases {
        assert!(CASES.iter().any(|case| case.name == name), "no case {name}: `attack --list` names them");
    }
    let wanted = |case: &&Case| plan.cases.is_empty() || plan.cases.iter().any(|name| name == case.name);
    report::heading(plan);
    let (mut passed, mut failed) = (0, 0);
    for case in CASES.iter().filter(wanted) {
        for &connections in &plan.connections {
            let outcome = match case.act {
                Act::Drain(_) => drain(plan, case, connections).await,
                _ => measure(plan, case, connections).await,
            };
            let failures = outcome.failures(plan, case);
            report::row(case, connections, &outcome, &failures);
            if failures.is_empty() { passed += 1 } else { failed += 1 }
        }
    }
    report::summary(passed, failed);
    failed
}

async fn measure(plan: &Plan, case: &'static Case, connections: u32) -> Outcome {
    let mut pod = Pod::start(&plan.server, "20s", &plan.serve_args).await;
    let caller = Caller::start(pod.address);
    let mut outcome = Outcome::default();
    let ended = Arc::new(AtomicU32::new(0));
    let mut attackers = JoinSet::new();
    let until = Instant::now() + plan.attack;
    let mut traffic = Served::default();
    if let Act::Honest = case.act {
        let address = pod.address;
        let honest = tokio::spawn(honest::traffic(address, connections, until));
        watch(plan, &pod, until, &mut outcome).await;
        traffic = honest.await.expect("the traffic ends");
    } else {
        start(&mut attackers, case, pod.address, connections, until, &ended);
        watch(plan, &pod, until, &mut outcome).await;
    }
    // Ends the attackers' connections, too, should their time not be over.
    attackers.shutdown().await;
    if outcome.gave_up.is_none() {
        watch(plan, &pod, Instant::now() + plan.settle, &mut outcome).await;
    }
    let mut served = caller.end().await;
    served.merge(traffic);
    outcome.served = served;
    outcome.ended = ended.load(Ordering::Relaxed);
    pod.kill().await;
    outcome
}

async fn drain(plan: &Plan, case: &'static Case, connections: u32) -> Outcome {
    let mut serve_args = plan.serve_args.clone();
    if case.without_limits {
        serve_args.extend(WITHOUT_LIMITS.iter().map(|&arg| arg.to_owned()));
    }
    let mut pod = Pod::start(&plan.server, "3s", &serve_args).await;
    let mut outcome = Outcome::default();
    let ended = Arc::new(AtomicU32::new(0));
    let mut attackers = JoinSet::new();
    let until = Instant::now() + Duration::from_secs(30);
    start(&mut attackers, case, pod.address, connections, until, &ended);
    watch(plan, &pod, Instant::now() + plan.attack, &mut outcome).await;
    if outcome.gave_up.is_none() {
        outcome.drain = Some(pod.terminate(Duration::from_secs(12)).await);
    }
    attackers.shutdown().await;
    // Those that came back to a server that was gone do not count.
    outcome.ended = 0;
    pod.kill().await;
    outcome
}

fn start(
    attackers: &mut JoinSet<()>,
    case: &'static Case,
    to: std::net::SocketAddr,
    connections: u32,
    until: Instant,
    ended: &Arc<AtomicU32>,
) {
    for _ in 0..connections * case.crowd {
        let ended = Arc::clone(ended);
        attackers.spawn(async move { acts::attack(case, to, connections, until, &ended).await });
    }
}

/// Watches the server's memory until `until`, or until it is too much for the machine.
async fn watch(plan: &Plan, pod: &Pod, until: Instant, outcome: &mut Outcome) {
    let mut pace = interval(Duration::from_millis(20));
    while Instant::now() < until {
        pace.tick().await;
        let Some(Memory { now, peak }) = pod.memory().await else {
            outcome.gave_up = Some("the server has ended".to_owned());
            return;
        };
        outcome.memory = Memory { now, peak };
        if now > plan.give_up_mib << 10 {
            outcome.gave_up = Some(format!("stopped at {} MiB", plan.give_up_mib));
            return;
        }
    }
}

impl Outcome {
    /// What is wrong with it; nothing: it has passed.
    fn failures(&self, plan: &Plan, case: &Case) -> Vec<String> {
        let mut failures = Vec::new();
        if !case.without_limits && self.memory.peak > plan.limit_mib << 10 {
            failures.push(format!("over {} MiB", plan.limit_mib));
        }
        if self.served.failed > 0 {
            failures.push("honest calls failed".to_owned());
        }
        match self.drain {
            Some(None) => failures.push("the drain did not end within 12 s".to_owned()),
            Some(Some(took)) if took > DRAIN_ENDS => failures.push("the drain ended late".to_owned()),
            _ => {}
        }
        failures.extend(self.gave_up.clone());
        failures
    }
}
