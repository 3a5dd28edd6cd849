//! The calls: what each was promised, and how it ended.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use evenkeel::{Address, Endpoint};
use tokio::time::Instant;
use tonic::{Code, Status};

use super::steady::{Knowledge, Steady};

/// What a timer, a wake-up and the last hop of an answer may take beyond the deadline.
const EPSILON: Duration = Duration::from_millis(10);
/// What a failure says of a call that its server provably never looked at.
const REFUSED: &str = "refused the call";
/// What a handler, and the way to it and back, take at most while nothing is wrong.
const ANSWER: Duration = Duration::from_millis(500);
/// What a failure says that no attempt led to: there was nobody to send the call to.
const NOBODY: [&str; 3] = ["no endpoint", "name resolution", "does not exist or has no address"];

#[derive(Default)]
pub(crate) struct Calls {
    started: u64,
    ended: u64,
    processed: HashMap<String, Processed>,
    pub(super) outcomes: BTreeMap<String, u64>,
    /// Calls that had a pod to count on from their beginning to their end.
    pub(super) covered: u64,
    /// Answers by client and pod.
    pub(super) shares: BTreeMap<(IpAddr, IpAddr), u64>,
    /// The same, since the beginning.
    answers: BTreeMap<(IpAddr, IpAddr), u64>,
}

/// What handlers saw of a call.
struct Processed {
    times: u32,
    pod: IpAddr,
    at: Instant,
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) number: u64,
    pub(crate) client: IpAddr,
    start: Instant,
    steady: Vec<Steady>,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) method: &'static str,
    pub(crate) deadline: Duration,
    pub(crate) wait_for_ready: bool,
    /// Who answered; None when the call did not even end long after its deadline.
    pub(crate) result: Option<Result<IpAddr, Status>>,
}

impl Calls {
    pub(super) fn on_started(&mut self, client: IpAddr, steady: Vec<Steady>) -> Call {
        self.started += 1;
        Call { number: self.started, client, start: Instant::now(), steady }
    }

    pub(super) fn on_processed(&mut self, call: &str, pod: IpAddr) -> u32 {
        let first = || Processed { times: 0, pod, at: Instant::now() };
        let processed = self.processed.entry(call.to_owned()).or_insert_with(first);
        processed.times += 1;
        processed.times
    }

    pub(super) fn running(&self) -> u64 {
        self.started - self.ended
    }

    /// How many answers the client has had from the pod.
    pub(super) fn answers(&self, client: IpAddr, pod: IpAddr) -> u64 {
        self.answers.get(&(client, pod)).copied().unwrap_or(0)
    }

    /// How many answers the client has had.
    pub(super) fn answers_of(&self, client: IpAddr) -> u64 {
        self.answers.iter().filter(|((of, _), _)| *of == client).map(|(_, count)| count).sum()
    }

    /// The line for the log, and what is to be said against the call's end.
    pub(super) fn on_ended(
        &mut self,
        call: &Call,
        ended: &Ended,
        knowledge: &Knowledge,
    ) -> (String, Option<String>) {
        self.ended += 1;
        let counted_on = call.steady.iter().find(|steady| knowledge.is_still(call.client, steady));
        self.covered += u64::from(counted_on.is_some());
        let took = call.start.elapsed();
        let outcome = match &ended.result {
            Some(Ok(pod)) => {
                *self.shares.entry((call.client, *pod)).or_default() += 1;
                *self.answers.entry((call.client, *pod)).or_default() += 1;
                format!("OK from {pod}")
            }
            Some(Err(status)) => format!("{:?}: {}", status.code(), status.message()),
            None => "never ended".to_owned(),
        };
        *self.outcomes.entry(class(ended)).or_default() += 1;
        let wait = if ended.wait_for_ready { " wait-for-ready" } else { "" };
        let line = format!(
            "{} call {} {}{wait} {:.3}s of {:.3}s: {outcome}",
            call.client,
            call.number,
            ended.method,
            took.as_secs_f64(),
            ended.deadline.as_secs_f64()
        );
        let objection = if took > ended.deadline + EPSILON {
            Some("it outlived its deadline".to_owned())
        } else {
            let processed = self.processed.get(&call.number.to_string());
            objection(call, ended, processed, counted_on, knowledge)
        };
        let objection = objection.map(|objection| format!("{objection}: {line}"));
        (line, objection)
    }
}

fn objection(
    call: &Call,
    ended: &Ended,
    processed: Option<&Processed>,
    counted_on: Option<&Steady>,
    knowledge: &Knowledge,
) -> Option<String> {
    let status = match &ended.result {
        Some(Ok(_)) => return None,
        Some(Err(status)) => status,
        None => return Some("it never ended".to_owned()),
    };
    let text = status.message();
    let named = pod_in(text);
    let had_nobody = NOBODY.iter().any(|words| text.contains(words));
    match status.code() {
        Code::Unavailable if had_nobody => {
            if ended.wait_for_ready {
                return Some("a wait-for-ready call was told that there is nobody".to_owned());
            }
            counted_on.map(|steady| format!("{} was there all the time", steady.pod))
        }
        Code::Unavailable if text.contains(REFUSED) => {
            Some("nobody had looked at it, and it was not tried elsewhere".to_owned())
        }
        Code::Unavailable => match named {
            Some(pod) if knowledge.may_lose_calls(call.client, pod) => None,
            Some(pod) => Some(format!("nothing happened to {pod} that could lose a call")),
            None => Some("it does not say who failed".to_owned()),
        },
        Code::DeadlineExceeded => {
            let steady = counted_on?;
            match named.filter(|_| text.contains("an answer from")) {
                // Whoever it was sent to was in trouble, or is to blame.
                Some(pod) => {
                    let blamed = call.steady.iter().find(|steady| steady.pod == pod);
                    let blamed = blamed.filter(|steady| knowledge.is_still(call.client, steady))?;
                    let had_time = match processed.filter(|processed| processed.pod == pod) {
                        Some(processed) => processed.at.elapsed() > ANSWER,
                        // Another pod may have had it in its trouble, and refused it late.
                        None => !knowledge.is_any_in_trouble(call.client),
                    };
                    had_time.then(|| format!("{} was well all the time", blamed.pod))
                }
                // The server's own clock may be a little ahead of the client's.
                None if !text.contains("waiting for") => None,
                None => Some(format!("it waited although {} was there all the time", steady.pod)),
            }
        }
        code => Some(format!("{code:?} must not come up at all")),
    }
}

fn class(ended: &Ended) -> String {
    match &ended.result {
        Some(Ok(_)) => "OK".to_owned(),
        Some(Err(status)) if status.code() == Code::Unavailable => {
            let had_nobody = NOBODY.iter().any(|words| status.message().contains(words));
            if had_nobody { "UNAVAILABLE (nobody there)" } else { "UNAVAILABLE (lost)" }.to_owned()
        }
        Some(Err(status)) => format!("{:?}", status.code()),
        None => "never ended".to_owned(),
    }
}

/// The first address in a status message.
fn pod_in(text: &str) -> Option<IpAddr> {
    text.split([' ', ';', ','])
        .find_map(|word| word.trim_end_matches(':').parse::<std::net::SocketAddr>().ok())
        .map(|address| address.ip())
}

pub(super) fn ip_of(endpoint: &Endpoint) -> Option<IpAddr> {
    endpoint.addresses().iter().find_map(|address| match address {
        Address::Ip(address) => Some(address.ip()),
        _ => None,
    })
}
