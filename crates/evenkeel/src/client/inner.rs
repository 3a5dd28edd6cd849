//! What all clones of a channel share: the way to its driver, and what the driver publishes.

use std::sync::{Arc, Mutex, PoisonError};

use evenkeel_core::balance::WakeToken;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::config::Config;
use super::driver::{Command, Driver};
use super::error::ConnectError;
use super::shared::{CLOSED, Shared};

/// A channel without its public face. The driver ends when this is dropped.
pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) config: Arc<Config>,
    commands: mpsc::UnboundedSender<Command>,
    /// The driver, until it is started.
    seed: Mutex<Option<Driver>>,
}

impl Inner {
    pub(super) fn new(config: Config) -> Self {
        let shared = Arc::new(Shared::new());
        let config = Arc::new(config);
        let (commands, inbox) = mpsc::unbounded_channel();
        let driver = Driver::new(Arc::clone(&shared), Arc::clone(&config), inbox);
        Self { shared, config, commands, seed: Mutex::new(Some(driver)) }
    }

    /// Has the channel leave IDLE, on this runtime if it was not started before.
    pub(super) fn exit_idle(&self) -> Result<(), ConnectError> {
        let mut seed = self.seed.lock().unwrap_or_else(PoisonError::into_inner);
        if seed.is_some() {
            let runtime = Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
            if let Some(driver) = seed.take() {
                runtime.spawn(driver.run());
            }
        }
        drop(seed);
        // Without a driver the state is SHUTDOWN, which is what the caller looks at next.
        let _ = self.commands.send(Command::ExitIdle);
        Ok(())
    }

    /// A call waits, and the picker wants the policy to know.
    pub(super) fn wake(&self, token: WakeToken) {
        // Without a driver the state is SHUTDOWN, which is what the caller looks at next.
        let _ = self.commands.send(Command::Wake(token));
    }

    /// Ends everything now; returns when it has ended.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.seed.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.shared.cut.send_replace(true);
            self.shared.publish_shutdown(CLOSED);
        }
        if self.commands.send(Command::Close(done)).is_ok() {
            // An error means that the driver has ended already.
            let _ = closed.await;
        }
    }
}
