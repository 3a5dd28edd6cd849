//! When the next lookup is due: one pacer per channel, whoever wants the lookup.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::random::{Random, up_to};
use crate::time::Time;

/// The least time from one lookup's end to the next one's start.
const FLOOR: Duration = Duration::from_secs(1);
/// The most that requests which keep finding the same answer are spaced, and the quiet after which they start anew.
const SPACING_CAP: Duration = Duration::from_secs(30);
/// How much the spacing, and the delay after an error, grow each time.
const GROWTH: f64 = 1.6;
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_CAP: Duration = Duration::from_secs(30);
const TTL_MIN: Duration = Duration::from_secs(1);
const TTL_MAX: Duration = Duration::from_secs(30);
/// What a TTL of 0 counts as. A cache that serves stale answers says 0, and CoreDNS' cache keeps them this long anyway.
const TTL_OF_ZERO: Duration = Duration::from_secs(5);
/// Only ever added: asking a cache just before its entry ends gets the old answer for a whole further interval.
const JITTER: f64 = 0.15;
/// How long a request that is not urgent is held back at most, so that the clients of one dead pod do not ask as one.
const REQUEST_DELAY: Duration = Duration::from_secs(1);

/// When lookups happen without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshMode {
    /// When the answer's remaining TTL ends: held to 1–30 s (a TTL of 0 counts as 5 s), plus a random 0–15 %.
    Ttl,
    /// At this interval (at least 1 s), plus a random 0–15 %.
    Every(Duration),
    /// Never; requests are served, no sooner than `floor` after the lookup before.
    Disconnect {
        /// The least time from one lookup's end to the next one's start.
        floor: Duration,
    },
}

/// How pressing a channel's wish for a fresh answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Urgency {
    /// A connection was lost, was told to go away, or could not be made.
    Calm,
    /// And no endpoint is READY.
    Urgent,
    /// Calls wait for this answer: the last READY endpoint was lost, and others are to take its place. The channel
    /// paces such wishes itself.
    AtOnce,
}

/// Decides when a name is looked up again.
///
/// Requests coalesce; while they keep finding the same answer they are served at growing distances (1 s, ×1.6, up
/// to 30 s), which begin anew when the answer changes or when no request came for 30 s. Urgent requests keep a
/// distance of their own: that many calm ones found nothing new must not delay the first look after all endpoints
/// were lost. In [`RefreshMode::Disconnect`] the distance is the floor and does not grow: there, requests are the only
/// way to find new endpoints (a server's MAX_CONNECTION_AGE makes them), and the program chose the floor itself.
///
/// An error, and likewise a name without records, is tried again after 1 s, ×1.6, up to 30 s, plus a random 0–15 %,
/// in every mode. Requests do not cut that short: clients without an endpoint make many, and the server has trouble
/// enough. A channel that has just lost its last endpoint paces its requests itself, and for them no distance is kept
/// (but for a floor that the program chose), nor do any grow. The program starts with a lookup that is due at once.
#[derive(Clone, Debug)]
pub struct Pacer {
    mode: RefreshMode,
    /// Due without a request: a refresh, or the retry after an error.
    scheduled: Option<Time>,
    requested: Option<Request>,
    in_flight: Option<Lookup>,
    /// The end of the last lookup.
    ended: Option<Time>,
    spacing: Spacing,
    last_request: Option<Time>,
    /// The delay after the last error; none when the last lookup succeeded.
    retry: Option<Duration>,
    /// The delay after the last answer that was rejected; none when the last one was accepted.
    rejected: Option<Duration>,
    interval: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    due: Time,
    urgency: Urgency,
}

/// A lookup under way: whom it serves, and who came too late for it to count.
#[derive(Clone, Copy, Debug, Default)]
struct Lookup {
    serves: Option<Urgency>,
    late: Option<Urgency>,
}

/// The distances to keep from the last lookup, as they have grown.
#[derive(Clone, Copy, Debug)]
struct Spacing {
    calm: Duration,
    urgent: Duration,
}

impl Pacer {
    /// A pacer whose first lookup is due at once.
    pub fn new(mode: RefreshMode, now: Time) -> Self {
        Self {
            mode,
            scheduled: Some(now),
            requested: None,
            in_flight: None,
            ended: None,
            spacing: Spacing::of(mode),
            last_request: None,
            retry: None,
            rejected: None,
            interval: None,
        }
    }

    /// When the next lookup is due; none while one is under way, or when only a request would make one.
    pub fn next_lookup(&self) -> Option<Time> {
        if self.in_flight.is_some() {
            return None;
        }
        let requested = self.requested.map(|request| request.due);
        [self.scheduled, requested].into_iter().flatten().min()
    }

    /// The effective interval: from the last lookup's end to the next one that needs no request, if there is one.
    pub fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// A lookup begins: it serves every request so far.
    pub fn on_lookup_started(&mut self) {
        let serves = self.requested.take().map(|request| request.urgency);
        self.in_flight = Some(Lookup { serves, late: None });
        self.scheduled = None;
    }

    /// The lookup found records. `changed`: others than before; `remaining_ttl`: none for what has no TTL.
    pub fn on_answer(
        &mut self,
        now: Time,
        changed: bool,
        remaining_ttl: Option<Duration>,
        random: &mut dyn Random,
    ) {
        let lookup = self.in_flight.take().unwrap_or_default();
        self.ended = Some(now);
        self.retry = None;
        if changed {
            self.spacing = Spacing::of(self.mode);
        } else if let Some(urgency) = lookup.serves {
            self.spacing.grow(self.mode, urgency);
        }
        self.schedule(now, self.refresh_interval(remaining_ttl), random);
        if let Some(urgency) = lookup.late {
            self.add_request(now, urgency, random);
        }
    }

    /// Something came in after its lookup had ended. `ttl`: how long it holds, as in [`Self::on_answer`].
    ///
    /// It can only make the next lookup sooner, and does nothing while one is under way.
    pub fn on_late_answer(&mut self, now: Time, changed: bool, ttl: Duration, random: &mut dyn Random) {
        if changed {
            self.spacing = Spacing::of(self.mode);
        }
        let (before, interval) = (self.scheduled, self.interval);
        if self.in_flight.is_none() && self.retry.is_none() {
            self.schedule(now, self.refresh_interval(Some(ttl)), random);
            if before.is_some_and(|before| self.scheduled.is_none_or(|new| before < new)) {
                (self.scheduled, self.interval) = (before, interval);
            }
        }
    }

    /// The channel goes by what was found.
    pub fn on_accepted(&mut self) {
        self.rejected = None;
    }

    /// The channel cannot go by what was found: it is looked up again with backoff, or when it would be anyway if that is
    /// sooner.
    pub fn on_rejected(&mut self, now: Time, random: &mut dyn Random) {
        let delay = self.rejected.map_or(RETRY_FIRST, |last| last.mul_f64(GROWTH).min(RETRY_CAP));
        self.rejected = Some(delay);
        let (before, interval) = (self.scheduled, self.interval);
        self.schedule(now, Some(delay), random);
        if before.is_some_and(|before| self.scheduled.is_none_or(|new| before < new)) {
            (self.scheduled, self.interval) = (before, interval);
        }
    }

    /// How long it is until the next lookup that needs no request, if there is one.
    pub fn due_in(&self, now: Time) -> Option<Duration> {
        self.scheduled.map(|at| at.since(now))
    }

    /// The lookup failed, or found no record: it is tried again, whoever asks meanwhile.
    pub fn on_failure(&mut self, now: Time, random: &mut dyn Random) {
        let lookup = self.in_flight.take().unwrap_or_default();
        self.requested = None;
        self.ended = Some(now);
        let delay = match self.retry {
            None => RETRY_FIRST,
            Some(last) if lookup.serves == Some(Urgency::AtOnce) => last,
            Some(last) => last.mul_f64(GROWTH).min(RETRY_CAP),
        };
        self.retry = Some(delay);
        self.schedule(now, Some(delay), random);
    }

    /// The channel wants a fresh answer.
    pub fn on_request(&mut self, now: Time, urgency: Urgency, random: &mut dyn Random) {
        if self.last_request.is_none_or(|last| now.since(last) > SPACING_CAP) {
            self.spacing = Spacing::of(self.mode);
        }
        self.last_request = Some(now);
        if let Some(lookup) = &mut self.in_flight {
            // Its answer may have been on its way already when the connection was lost.
            lookup.late = lookup.late.max(Some(urgency.min(Urgency::Urgent)));
        } else if self.retry.is_none() || urgency == Urgency::AtOnce {
            self.add_request(now, urgency, random);
        }
    }

    fn add_request(&mut self, now: Time, urgency: Urgency, random: &mut dyn Random) {
        let spacing = match urgency {
            Urgency::Calm => self.spacing.calm,
            Urgency::Urgent => self.spacing.urgent,
            Urgency::AtOnce => self.mode.floor_of_program(),
        };
        let earliest = self.ended.map_or(now, |ended| now.max(ended + spacing));
        self.requested = match self.requested {
            // Drawing a delay for each of many requests and taking the least would undo the delay.
            Some(pending) if urgency <= pending.urgency => Some(pending),
            Some(pending) => Some(Request { due: pending.due.min(earliest), urgency }),
            None if urgency > Urgency::Calm => Some(Request { due: earliest, urgency }),
            None => Some(Request { due: earliest + up_to(random, REQUEST_DELAY), urgency }),
        };
    }

    fn refresh_interval(&self, remaining_ttl: Option<Duration>) -> Option<Duration> {
        match self.mode {
            RefreshMode::Ttl => Some(match remaining_ttl {
                Some(Duration::ZERO) => TTL_OF_ZERO,
                Some(ttl) => ttl.clamp(TTL_MIN, TTL_MAX),
                None => TTL_MAX,
            }),
            RefreshMode::Every(interval) => Some(interval.max(FLOOR)),
            RefreshMode::Disconnect { .. } => None,
        }
    }

    fn schedule(&mut self, now: Time, delay: Option<Duration>, random: &mut dyn Random) {
        self.interval = delay.map(|delay| {
            let spread = Duration::try_from_secs_f64(delay.as_secs_f64() * JITTER).unwrap_or(Duration::ZERO);
            delay.saturating_add(up_to(random, spread))
        });
        self.scheduled = self.interval.map(|interval| now + interval);
    }
}

impl RefreshMode {
    fn floor_of_program(self) -> Duration {
        match self {
            Self::Disconnect { floor } => floor,
            Self::Ttl | Self::Every(_) => Duration::ZERO,
        }
    }
}

impl Spacing {
    fn of(mode: RefreshMode) -> Self {
        let floor = match mode {
            RefreshMode::Disconnect { floor } => floor,
            RefreshMode::Ttl | RefreshMode::Every(_) => FLOOR,
        };
        Self { calm: floor, urgent: floor }
    }

    fn grow(&mut self, mode: RefreshMode, urgency: Urgency) {
        if matches!(mode, RefreshMode::Disconnect { .. }) || urgency == Urgency::AtOnce {
            return;
        }
        self.calm = self.calm.mul_f64(GROWTH).min(SPACING_CAP);
        if urgency == Urgency::Urgent {
            self.urgent = self.urgent.mul_f64(GROWTH).min(SPACING_CAP);
        }
    }
}
