//! Whether a run was what was demanded of it.

use super::tally::{Summary, by_code};
use crate::args::Assertion;

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
            let answering = summary.endpoints.iter().filter(|endpoint| endpoint.calls > 0).count();
            (answering != pods).then(|| format!("{answering} answered"))
        }
        Assertion::MaxShare(most) => {
            let busiest = summary.endpoints.iter().reduce(|a, b| if b.share > a.share { b } else { a });
            match busiest.filter(|endpoint| endpoint.calls > 0) {
                None => Some("no pod answered".to_owned()),
                Some(endpoint) => (endpoint.share > most).then(|| {
                    format!("{} answered {:.1} % of the calls", endpoint.pod.name, endpoint.share * 100.0)
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::tally::{EndpointSummary, Pod};
    use super::{Assertion, Summary, assess};
    use crate::render::samples::empty_summary;

    fn summary(calls: &[u64], failed: u64) -> Summary {
        let total: u64 = calls.iter().sum();
        let endpoint = |(index, calls): (usize, &u64)| EndpointSummary {
            calls: *calls,
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
        assert_eq!(broken(&[Assertion::MaxShare(0.39)], &even), ["school-0 answered 40.0 % of the calls"]);
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
