//! The timer of a connection.

use std::pin::Pin;

use crate::clock::Clock;
use evenkeel_core::time::Time;
use tokio::time::{Sleep, sleep_until};

/// One timer for the whole connection: moved only to an earlier time, else it fires early and is set again. A busy
/// connection's idle limit would move it at every call.
pub(super) struct Timer {
    clock: Clock,
    sleep: Option<(Time, Pin<Box<Sleep>>)>,
}

impl Timer {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, sleep: None }
    }

    /// Completes at `time` or before; never for `None`. Cancel-safe.
    pub(super) async fn at(&mut self, time: Option<Time>) {
        let Some(time) = time else { return std::future::pending().await };
        let Some(instant) = self.clock.instant(time) else { return std::future::pending().await };
        match &mut self.sleep {
            Some((armed, _)) if *armed <= time => {}
            Some((armed, sleep)) => {
                *armed = time;
                sleep.as_mut().reset(instant);
            }
            none => *none = Some((time, Box::pin(sleep_until(instant)))),
        }
        if let Some((_, sleep)) = &mut self.sleep {
            sleep.as_mut().await;
        }
        self.sleep = None;
    }
}
