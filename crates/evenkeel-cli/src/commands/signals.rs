//! Ctrl-C and SIGTERM for commands that end early on them.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::RunError;

/// The signals that ask a command to end.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

/// Which of them came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// SIGINT, from whoever sits at the terminal.
    Interrupt,
    /// SIGTERM, from whoever manages the process.
    Terminate,
}

impl Interrupts {
    /// From here on these signals no longer end the process by themselves.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub(crate) fn listen() -> Result<Self, RunError> {
        let on = |kind| signal(kind).map_err(RunError::system("cannot listen for signals"));
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    /// Waits for the next one. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        self.which().await;
    }

    /// Waits for the next one, and says which it was. Cancel-safe.
    pub(crate) async fn which(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Terminate,
        }
    }
}
