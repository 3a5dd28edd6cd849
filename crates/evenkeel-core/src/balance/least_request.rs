//! `least_request`: of a few endpoints drawn at random, the one with the fewest calls in flight (gRFC A48).

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::children::{EndpointState, Ready};
use super::petiole::{Petiole, Spread};
use super::{CallInfo, Feedback, Outcome, Pick, Picker, Policy, PolicyConfig, Published, Random, Track};
use crate::endpoint::Endpoint;
use crate::list::SharedList;
use crate::random::{index, next_draw};

/// Fewer than two are no choice; more than ten cost more than they help (gRFC A48).
const CHOICES: std::ops::RangeInclusive<u32> = 2..=10;

/// Settings of `least_request`.
///
/// The policy keeps every endpoint connected, as `round_robin` does. For each call it draws some READY endpoints at
/// random and takes the one with the fewest calls of this channel in flight: an endpoint that answers slowly gets fewer
/// calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeastRequestConfig {
    choice_count: u32,
}

#[derive(Debug)]
struct ByCalls(LeastRequestConfig);

/// The calls that an endpoint is at work on. Lives as long as the endpoint is listed.
#[derive(Debug, Default)]
struct InFlight(AtomicUsize);

#[derive(Debug)]
struct LeastRequestPicker {
    ready: SharedList<Ready<Arc<InFlight>>>,
    choice_count: u32,
}

impl LeastRequestConfig {
    /// The name in a service config.
    pub const NAME: &'static str = "least_request_experimental";

    /// Settings as they are by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many endpoints are drawn for each call, one perhaps more than once. Default: 2; held to 2 to 10.
    #[must_use]
    pub fn choice_count(mut self, count: u32) -> Self {
        self.choice_count = count.clamp(*CHOICES.start(), *CHOICES.end());
        self
    }
}

impl Default for LeastRequestConfig {
    fn default() -> Self {
        Self { choice_count: *CHOICES.start() }
    }
}

impl PolicyConfig for LeastRequestConfig {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(Petiole::new(ByCalls(self.clone())))
    }
}

impl Spread for ByCalls {
    type State = Arc<InFlight>;

    fn on_config(&mut self, config: &dyn PolicyConfig) -> bool {
        let config: &dyn Any = config;
        let Some(config) = config.downcast_ref::<LeastRequestConfig>() else { return false };
        std::mem::replace(&mut self.0, config.clone()) != *config
    }

    fn published(&self, ready: SharedList<Ready<Arc<InFlight>>>, _: &mut dyn Random) -> Published {
        Published::ready(LeastRequestPicker { ready, choice_count: self.0.choice_count })
    }
}

impl EndpointState for Arc<InFlight> {
    type Shared = Self;

    fn new(_: &Endpoint) -> Self {
        Self::default()
    }

    fn shared(&self) -> Self {
        Self::clone(self)
    }
}

impl Feedback for InFlight {
    fn on_end(&self, _: u32, _: &Outcome) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Picker for LeastRequestPicker {
    fn pick(&self, call: &CallInfo<'_>) -> Pick {
        let mut draw = call.random;
        let mut random = || {
            let drawn = draw;
            draw = next_draw(draw);
            drawn
        };
        let drawn =
            (0..self.choice_count).filter_map(|_| self.ready.get(index(&mut random, self.ready.len())));
        let in_flight = |ready: &&Ready<Arc<InFlight>>| ready.shared.0.load(Ordering::Relaxed);
        // Of several with as few, the first that was drawn.
        let Some(least) = drawn.min_by_key(in_flight) else { return Pick::Queue };
        least.shared.0.fetch_add(1, Ordering::Relaxed);
        let feedback: Arc<dyn Feedback> = Arc::clone(&least.shared) as _;
        Pick::go_tracked(least.subchannel, Track::new(feedback, 0))
    }
}

#[cfg(test)]
mod tests;
