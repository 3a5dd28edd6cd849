//! Who answered when: what charts are drawn from.

use std::collections::BTreeMap;
use std::time::Duration;

use tonic::Code;

use crate::tally::Outcome;

/// A load's calls over time, in buckets of equal width: those answered by when they started, so that a pod's delay does not
/// look like a hole, those failed by when they ended, so that none failed before what made it fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// How long it lasts; the last bucket may be cut short by it.
    pub length: Duration,
    /// Calls that each pod answered, by its name. A series may end before the last bucket: zeroes follow.
    pub answered: BTreeMap<String, Vec<u32>>,
    /// Calls that failed, whoever answered.
    pub failed: Vec<u32>,
}

impl Timeline {
    /// The width of a bucket: narrow enough to see a pod come, wide enough for a steady load to look steady.
    pub const BUCKET: Duration = Duration::from_millis(250);

    pub(crate) fn on_outcome(&mut self, outcome: &Outcome) {
        let is_ok = outcome.code == Code::Ok;
        let moment = if is_ok { outcome.started } else { outcome.at };
        let bucket = (moment.as_nanos() / Self::BUCKET.as_nanos()) as usize;
        match &outcome.served_by {
            _ if !is_ok => count(&mut self.failed, bucket),
            Some(pod) => match self.answered.get_mut(&pod.name) {
                Some(series) => count(series, bucket),
                None => count(self.answered.entry(pod.name.clone()).or_default(), bucket),
            },
            None => {}
        }
        self.length = self.length.max(outcome.at);
    }

    /// The same, lasting until `end` at least.
    #[must_use]
    pub fn until(mut self, end: Duration) -> Self {
        self.length = self.length.max(end);
        self
    }
}

fn count(series: &mut Vec<u32>, bucket: usize) {
    if series.len() <= bucket {
        series.resize(bucket + 1, 0);
    }
    if let Some(count) = series.get_mut(bucket) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Duration, Outcome, Timeline};
    use crate::tally::Pod;

    #[test]
    fn calls_go_where_they_started_and_failures_where_they_ended() {
        let mut timeline = Timeline::default();
        for (started, at, name, code) in [
            (0, 10, "a", Code::Ok),
            (249, 300, "a", Code::Ok),
            (250, 260, "b", Code::Ok),
            (0, 800, "a", Code::Unavailable),
        ] {
            let [started, at] = [started, at].map(Duration::from_millis);
            let served_by = Some(Pod { name: name.to_owned(), address: String::new() });
            timeline.on_outcome(&Outcome {
                started,
                at,
                latency: Duration::ZERO,
                code,
                served_by,
                failed_on: None,
                message: String::new(),
            });
        }
        assert_eq!(timeline.answered["a"], [2]);
        assert_eq!(timeline.answered["b"], [0, 1]);
        assert_eq!(timeline.failed, [0, 0, 0, 1]);
        assert_eq!(timeline.clone().until(Duration::from_secs(1)).length, Duration::from_secs(1));
        assert_eq!(timeline.until(Duration::ZERO).length, Duration::from_millis(800));
    }
}
