//! For unit tests of programs that use evenkeel.

use std::io;

use futures_util::stream::poll_fn;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};

use crate::client::resolve::BoxFuture;
use crate::client::{BuildError, Channel, ChannelBuilder, ConnectError, ConnectRequest, Connector, Io};
use crate::server::{BindError, ServerBuilder, ServerLayer};

/// Bytes that one side may write before the other reads: as much as a socket of the loopback holds, or so.
const PIPE: usize = 64 << 10;

/// What the channel says it is connected to.
const TARGET: &str = "passthrough:///in-memory";

/// Why [`in_memory`] gave no channel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InMemoryError {
    /// The server's settings or services.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The channel's settings, or it did not become READY.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// A READY channel to a server of its own, over a pipe in memory: the whole of both sides, HTTP/2 included, and no socket.
///
/// The server runs in a task of the runtime that this is called on. It ends when the channel's last clone is dropped and the
/// calls that still ran have ended. TLS settings of the server are not used, and handlers see no remote address.
///
/// ```
/// # use evenkeel_testkit::school::school_client::SchoolClient;
/// # use evenkeel_testkit::school::school_server::{School, SchoolServer};
/// # use evenkeel_testkit::school::{GetSchoolRequest, GetSchoolResponse};
/// # struct MySchool;
/// # #[tonic::async_trait]
/// # impl School for MySchool {
/// #     async fn get_school(
/// #         &self,
/// #         _: tonic::Request<GetSchoolRequest>,
/// #     ) -> Result<tonic::Response<GetSchoolResponse>, tonic::Status> {
/// #         Ok(tonic::Response::new(GetSchoolResponse::default()))
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = evenkeel::Server::builder().add_service(SchoolServer::new(MySchool));
/// let channel = evenkeel::testing::in_memory(server).await?;
/// let response = SchoolClient::new(channel).get_school(GetSchoolRequest { id: 7 }).await?;
/// # drop(response);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When a setting of the server cannot be used, or it has no service.
pub async fn in_memory<L: ServerLayer>(server: ServerBuilder<L>) -> Result<Channel, InMemoryError> {
    in_memory_with(server, |channel| channel).await
}

/// As [`in_memory`], with settings of the channel: `configure` gets its builder. A connector set there is replaced, and
/// with TLS the channel does not become READY.
///
/// # Errors
/// As [`in_memory`], and when a setting of the channel cannot be used.
pub async fn in_memory_with<L: ServerLayer>(
    server: ServerBuilder<L>,
    configure: impl FnOnce(ChannelBuilder) -> ChannelBuilder,
) -> Result<Channel, InMemoryError> {
    let (connect, mut connections) = mpsc::unbounded_channel();
    let accepted = poll_fn(move |cx| connections.poll_recv(cx).map(|io| io.map(Ok::<_, io::Error>)));
    let bound = server.in_plain_text().bind_incoming(accepted)?;
    let (alive, gone) = oneshot::channel::<()>();
    let connector = Pipes { connect, _alive: alive };
    let channel = configure(Channel::builder(TARGET)).connector(connector).build().map_err(built)?;
    tokio::spawn(bound.serve_until(async move {
        // Nothing is ever sent: the channel's end ends the wait.
        let _ = gone.await;
    }));
    channel.ready().await?;
    Ok(channel)
}

fn built(error: BuildError) -> InMemoryError {
    ConnectError::Build(error).into()
}

/// Makes pipes, and gives the server their other ends.
struct Pipes {
    connect: mpsc::UnboundedSender<DuplexStream>,
    /// Lives as long as the channel, and tells the server of its end.
    _alive: oneshot::Sender<()>,
}

impl Connector for Pipes {
    fn connect(&self, _: &ConnectRequest<'_>) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        let (ours, theirs) = duplex(PIPE);
        let sent = self.connect.send(theirs);
        Box::pin(async move {
            match sent {
                Ok(()) => Ok(Box::new(ours) as Box<dyn Io>),
                Err(_) => Err(io::Error::new(io::ErrorKind::NotConnected, "the server has ended")),
            }
        })
    }
}
