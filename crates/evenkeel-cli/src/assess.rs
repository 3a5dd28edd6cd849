//! Whether a run was what was demanded of it.

use evenkeel_load::{Latencies, Summary, by_code};

use crate::args::{Assertion, Quantile};

/// One demand, and how the run stands to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) assertion: Assertion,
    /// What was seen instead; `None` if it holds.
    pub(crate) but: Option<String>,
}

/// Looks at every assertion. That no call may fail is one of them unless another limit is given.
pub(crate) fn assess(assertions: &[Assertion], summary: &Summary) -> Vec<Finding> {
    let says_failed = assertions.iter().any(|assertion| matches!(assertion, Assertion::Failed(_)));
    let implied = (!says_failed).then_some(Assertion::Failed(0));
    let all = assertions.iter().copied().chain(implied);
    all.map(|assertion| Finding { assertion, but: contradiction(assertion, summary) }).collect()
}

fn contradiction(assertion: Assertion, summary: &Summary) -> Option<String> {
    match assertion {
        Assertion::Failed(most) => {
            let failed = summary.failures();
            (failed > most)
                .then(|| format!("{failed} of {} calls failed ({})", summary.calls, by_code(&summary.failed)))
        }
        Assertion::Pods(pods) => {
            let answering = summary.endpoints.iter().filter(|endpoint| endpoint.answered > 0).count();
            (answering != pods).then(|| format!("{answering} answered"))
        }
        Assertion::MaxShare(most) => {
            let busiest = summary.endpoints.iter().reduce(|a, b| if b.share > a.share { b } else { a });
            match busiest.filter(|_| summary.endpoints.iter().any(|endpoint| endpoint.answered > 0)) {
                None => Some("no pod answered".to_owned()),
                Some(endpoint) => (endpoint.share > most).then(|| {
                    format!("{} got {:.1} % of the calls", endpoint.pod.name, endpoint.share * 100.0)
                }),
            }
        }
        Assertion::Latency(quantile, most) => match summary.latency.map(|latency| quantile.of(&latency)) {
            None => Some("no call was made".to_owned()),
            // Whole microseconds, as it was counted.
            Some(seen) => (seen > most).then(|| format!("{:.3} ms", seen.as_secs_f64() * 1e3)),
        },
    }
}

impl Quantile {
    fn of(self, latencies: &Latencies) -> std::time::Duration {
        match self {
            Self::P50 => latencies.p50,
            Self::P90 => latencies.p90,
            Self::P99 => latencies.p99,
            Self::P999 => latencies.p999,
            Self::Max => latencies.max,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use evenkeel_load::{EndpointSummary, Pod};

    use super::{Assertion, Summary, assess};
    use crate::render::samples::empty_summary;

    fn summary(calls: &[u64], failed: u64) -> Summary {
        let total: u64 = calls.iter().sum();
        let endpoint = |(index, calls): (usize, &u64)| EndpointSummary {
            made: *calls,
            answered: *calls,
            share: *calls as f64 / total as f64,
            ..EndpointSummary::none(Pod {
                name: format!("school-{index}"),
                address: format!("10.0.0.{index}:1"),
            })
        };
        Summary {
            calls: total + failed,
            ok: total,
            failed: if failed > 0 { BTreeMap::from([("UNAVAILABLE", failed)]) } else { BTreeMap::new() },
            endpoints: calls.iter().enumerate().map(endpoint).collect(),
            ..empty_summary()
        }
    }

    fn broken(assertions: &[Assertion], summary: &Summary) -> Vec<String> {
        assess(assertions, summary).into_iter().filter_map(|finding| finding.but).collect()
    }

    #[test]
    fn what_holds_and_what_does_not() {
        let even = summary(&[40, 40, 20], 0);
        let holds = [Assertion::MaxShare(0.4), Assertion::Pods(3), Assertion::Failed(0)];
        assert_eq!(broken(&holds, &even), Vec::<String>::new());
        assert_eq!(broken(&[Assertion::MaxShare(0.39)], &even), ["school-0 got 40.0 % of the calls"]);
        assert_eq!(broken(&[Assertion::Pods(2)], &even), ["3 answered"]);
        assert_eq!(broken(&[Assertion::Pods(4)], &even), ["3 answered"]);
        assert_eq!(broken(&[Assertion::Pods(1), Assertion::Pods(3)], &even), ["3 answered"], "each counts");
    }

    #[test]
    fn a_failed_call_counts_unless_it_is_allowed() {
        let two = summary(&[10], 2);
        assert_eq!(broken(&[], &two), ["2 of 12 calls failed (UNAVAILABLE 2)"]);
        assert_eq!(broken(&[Assertion::Failed(1)], &two), ["2 of 12 calls failed (UNAVAILABLE 2)"]);
        assert_eq!(broken(&[Assertion::Failed(2)], &two), Vec::<String>::new());
    }

    #[test]
    fn latencies_have_their_limits() {
        use std::time::Duration;

        use super::Quantile::{Max, P50, P90, P99, P999};
        let latency = crate::render::samples::summary().latency;
        let run = Summary { latency, ..summary(&[10], 0) };
        let limit = |quantile, micros| Assertion::Latency(quantile, Duration::from_micros(micros));
        let holds =
            [limit(P50, 750), limit(P90, 1500), limit(P99, 20_000), limit(P999, 20_000), limit(Max, 20_000)];
        assert_eq!(broken(&holds, &run), Vec::<String>::new());
        assert_eq!(broken(&[limit(P90, 1499), limit(Max, 1)], &run), ["1.500 ms", "20.000 ms"]);
        assert_eq!(broken(&[limit(P99, 1)], &empty_summary()), ["no call was made"]);
    }

    #[test]
    fn nothing_answered_is_no_even_share() {
        assert_eq!(
            broken(&[Assertion::MaxShare(1.0), Assertion::Pods(0)], &empty_summary()),
            ["no pod answered"]
        );
    }

    #[test]
    fn a_pod_that_is_listed_but_never_called_does_not_answer() {
        assert_eq!(broken(&[Assertion::Pods(2)], &summary(&[5, 5, 0], 0)), Vec::<String>::new());
    }
}
