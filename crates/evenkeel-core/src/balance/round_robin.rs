//! `round_robin`: every READY endpoint in turn (gRPC load-balancing document, gRFC A61).

use std::sync::atomic::{AtomicUsize, Ordering};

use super::children::Ready;
use super::petiole::{Petiole, Spread};
use super::{CallInfo, Pick, Picker, Policy, PolicyConfig, Published, Random};
use crate::list::SharedList;
use crate::random::index;

/// Settings of `round_robin`: it has none.
///
/// The policy keeps every endpoint connected and spreads calls evenly over those that are READY. An endpoint with
/// several addresses is connected to at one of them, as [`PickFirst`](super::PickFirst) does. An endpoint that leaves
/// the list takes no new calls; its connection ends with the calls that run on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundRobinConfig(());

#[derive(Debug)]
struct InTurn;

#[derive(Debug)]
struct RoundRobinPicker {
    ready: SharedList<Ready<()>>,
    next: AtomicUsize,
}

impl RoundRobinConfig {
    /// The name in a service config.
    pub const NAME: &'static str = "round_robin";

    /// Settings as they are by default.
    pub fn new() -> Self {
        Self::default()
    }
}

impl PolicyConfig for RoundRobinConfig {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(Petiole::new(InTurn))
    }
}

impl Spread for InTurn {
    type State = ();

    fn published(&self, ready: SharedList<Ready<()>>, random: &mut dyn Random) -> Published {
        let next = AtomicUsize::new(index(random, ready.len()));
        Published::ready(RoundRobinPicker { ready, next })
    }
}

impl Picker for RoundRobinPicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        match self.ready.get(turn % self.ready.len().max(1)) {
            Some(ready) => Pick::go(ready.subchannel),
            None => Pick::Queue,
        }
    }
}

#[cfg(test)]
mod tests;
