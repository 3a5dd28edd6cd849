//! Does anything survive that should not?

use std::time::Duration;

use tokio::runtime::Handle;

use crate::raw::DEADLINE;

/// Alive tasks of the current runtime and open descriptors of the process, at one moment.
///
/// Descriptors belong to the process: a test that compares them must be alone in its binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Tasks of the current runtime that have not ended.
    pub tasks: usize,
    /// Open descriptors (`/proc/self/fd`); 0 where there is no such list.
    pub descriptors: usize,
}

impl Resources {
    /// What is there now. Call it inside a runtime.
    pub fn now() -> Self {
        // Reading the directory opens one descriptor, every time the same one.
        let descriptors = std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or(0);
        Self { tasks: Handle::current().metrics().num_alive_tasks(), descriptors }
    }

    /// Waits until there is no more than what `self` says; panics with the difference when that does not happen.
    pub async fn wait_until_back(self) {
        let back = async {
            while !self.covers(Self::now()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(DEADLINE, back).await.is_err() {
            panic!("there was {self:?}, and after {DEADLINE:?} there still is {:?}", Self::now());
        }
    }

    fn covers(self, now: Self) -> bool {
        now.tasks <= self.tasks && now.descriptors <= self.descriptors
    }
}
