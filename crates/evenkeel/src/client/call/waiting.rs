//! What a call waits for before its request is sent.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_core::cause::Cause;
use evenkeel_core::state::ConnectivityState;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::Status;

use crate::client::resolve::BoxFuture;
use crate::client::shared::Moment;
use crate::http2::client::{Closed, Connection, Place};

/// A call that waits so long for a stream is worth a word: its server's limit is what makes it slow.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// A wait. It allocates: calls that can be sent at once have none.
pub(super) struct Waiting {
    what: What,
    until: BoxFuture<'static, Over>,
}

enum What {
    Endpoint,
    Stream(Arc<Connection>),
    /// To try again, after this.
    Retry(Status),
}

/// How a wait ended.
pub(super) enum Over {
    /// Pick again.
    Pick,
    Place(Place),
    /// The channel is gone.
    Gone,
}

impl Waiting {
    /// For a picker that is newer than `generation`.
    pub(super) fn for_picker(mut moments: watch::Receiver<Moment>, generation: u64) -> Self {
        let until = Box::pin(async move {
            match moments.wait_for(|newest| newest.generation > generation).await {
                Ok(_) => Over::Pick,
                Err(_) => Over::Gone,
            }
        });
        Self { what: What::Endpoint, until }
    }

    /// For one of the streams that the server allows on `connection`, or until calls shall go elsewhere.
    pub(super) fn for_stream(connection: Arc<Connection>) -> Self {
        let what = What::Stream(Arc::clone(&connection));
        let until = Box::pin(async move {
            tokio::select! {
                biased;
                // Its server may hang, and has seen nothing of this call. First, since places come free there, too.
                () = connection.until_set_aside() => Over::Pick,
                place = wait_for_place(&connection) => match place {
                    Ok(place) => Over::Place(place),
                    Err(Closed) => Over::Pick,
                },
            }
        });
        Self { what, until }
    }

    /// For so long, after a failed attempt, or until the channel is closed.
    pub(super) fn for_retry(mut moments: watch::Receiver<Moment>, wait: Duration, failed: Status) -> Self {
        let until = Box::pin(async move {
            let closed = moments.wait_for(|moment| moment.state == ConnectivityState::Shutdown);
            // Either way the next picker knows what to do.
            let _ = timeout(wait, closed).await;
            Over::Pick
        });
        Self { what: What::Retry(failed), until }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        Pin::new(&mut self.until).poll(cx)
    }

    /// The connection that allows no more streams, if that is what the call waits for.
    pub(super) fn stream_on(&self) -> Option<&Arc<Connection>> {
        match &self.what {
            What::Stream(connection) => Some(connection),
            What::Endpoint | What::Retry(_) => None,
        }
    }

    /// What DEADLINE_EXCEEDED says; `failure` is why nothing is READY.
    pub(super) fn exceeded(&self, failure: Option<&Cause>) -> String {
        match (&self.what, failure) {
            (What::Stream(connection), _) => {
                format!(
                    "deadline exceeded while waiting for a stream: {} allows no more",
                    connection.address()
                )
            }
            (What::Retry(failed), _) => {
                let (code, text) = (failed.code(), failed.message());
                format!("deadline exceeded while waiting to try again after {code:?}: {text}")
            }
            (What::Endpoint, Some(failure)) => {
                format!("deadline exceeded while waiting for a READY endpoint: {failure}")
            }
            (What::Endpoint, None) => "deadline exceeded while waiting for a READY endpoint".into(),
        }
    }
}

/// Waits for a stream; a long wait is told once for each connection.
async fn wait_for_place(connection: &Arc<Connection>) -> Result<Place, Closed> {
    let mut place = std::pin::pin!(Place::on(Arc::clone(connection)));
    if let Ok(place) = timeout(LONG_WAIT, place.as_mut()).await {
        return place;
    }
    if connection.is_first_long_wait() {
        tracing::warn!(
            address = %connection.address(),
            streams = connection.streams(),
            "calls wait for over 1 s because the server allows no more streams on its connection \
             (SETTINGS_MAX_CONCURRENT_STREAMS); this is said once for each connection"
        );
    }
    place.await
}
