//! What a program can say about one call.

/// Options of one call, put into the request's extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    pub(crate) wait_for_ready: Option<bool>,
}

impl CallOptions {
    /// No option set: the channel's own settings hold.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the call waits for a READY endpoint instead of failing while none can be reached.
    ///
    /// Default: the channel's setting, itself off (gRPC wait-for-ready).
    #[must_use]
    pub fn wait_for_ready(mut self, wait: bool) -> Self {
        self.wait_for_ready = Some(wait);
        self
    }
}
