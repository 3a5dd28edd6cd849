//! One call, of any kind, as a `ClientCompatRequest` wants it.

use std::time::Duration;

use prost::Message;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status, Streaming};

use crate::capture::{Capture, Captured};
use crate::convert;
use crate::proto::client_compat_request::cancel::CancelTiming;
use crate::proto::conformance_service_client::ConformanceServiceClient;
use crate::proto::{ClientCompatRequest, ClientResponseResult, Compression, ConformancePayload, StreamType};
use crate::{Failure, proto};

/// One call in the making.
struct Call {
    request: ClientCompatRequest,
    cancel: Option<CancelTiming>,
    payloads: Vec<ConformancePayload>,
    unsent: usize,
}

/// How a call of one response ends, or one of many.
type Ended = Result<(), Status>;

/// Makes the call on a channel of its own.
///
/// # Errors
/// What keeps it from being made; how a call ends is in the result.
pub(crate) async fn make(
    channel: evenkeel::Channel,
    request: ClientCompatRequest,
) -> Result<ClientResponseResult, Failure> {
    let captured = Captured::default();
    let mut client = ConformanceServiceClient::new(Capture::new(channel, captured.clone()));
    if request.compression() == Compression::Gzip {
        client =
            client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    }
    if request.message_receive_limit != 0 {
        client = client.max_decoding_message_size(usize::try_from(request.message_receive_limit)?);
    }
    let mut call = Call::new(request);
    let ended = call.run(&mut client).await?;
    let (headers, trailers) = captured.take();
    Ok(ClientResponseResult {
        response_headers: convert::to_suite(&headers),
        payloads: call.payloads,
        error: ended.err().map(|status| convert::to_error(&status)),
        response_trailers: convert::to_suite(&trailers),
        num_unsent_requests: i32::try_from(call.unsent)?,
        ..ClientResponseResult::default()
    })
}

impl Call {
    fn new(request: ClientCompatRequest) -> Self {
        // Without a timing, right after the sending side is closed.
        let timing = |cancel: proto::client_compat_request::Cancel| {
            cancel.cancel_timing.unwrap_or(CancelTiming::AfterCloseSendMs(0))
        };
        let unsent = request.request_messages.len();
        Self { cancel: request.cancel.map(timing), request, payloads: Vec::new(), unsent }
    }

    async fn run(&mut self, client: &mut ConformanceServiceClient<Capture>) -> Result<Ended, Failure> {
        Ok(match self.request.method() {
            "Unary" => {
                let call = client.unary(self.only().await?);
                self.one(call, |response| response.payload).await
            }
            "IdempotentUnary" => {
                let call = client.idempotent_unary(self.only().await?);
                self.one(call, |response| response.payload).await
            }
            "Unimplemented" => {
                let call = client.unimplemented(self.only().await?);
                self.one(call, |_| None).await
            }
            "ClientStream" => {
                let (sender, messages) = mpsc::channel(1);
                let requests = self.messages()?;
                let call = client.client_stream(self.dress(ReceiverStream::new(messages))?);
                self.client_stream(call, sender, requests).await
            }
            "ServerStream" => {
                let call = client.server_stream(self.only().await?);
                self.server_stream(call).await
            }
            "BidiStream" => {
                let (sender, messages) = mpsc::channel(1);
                let requests = self.messages()?;
                let call = client.bidi_stream(self.dress(ReceiverStream::new(messages))?);
                self.bidi_stream(call, sender, requests).await
            }
            other => return Err(format!("there is no method {other:?}").into()),
        })
    }

    /// Ends when the call is to be cancelled, counted from when it has nothing more to send.
    async fn cancelled(cancel: Option<CancelTiming>) -> Ended {
        match cancel {
            Some(CancelTiming::AfterCloseSendMs(delay)) => sleep(milliseconds(delay)).await,
            Some(CancelTiming::BeforeCloseSend(())) => {}
            Some(CancelTiming::AfterNumResponses(_)) | None => std::future::pending().await,
        }
        Err(Status::cancelled("the caller dropped the call"))
    }

    async fn one<R>(
        &mut self,
        call: impl Future<Output = Result<Response<R>, Status>>,
        payload: fn(R) -> Option<ConformancePayload>,
    ) -> Ended {
        tokio::select! {
            response = call => self.payloads.push(payload(response?.into_inner()).unwrap_or_default()),
            cancelled = Self::cancelled(self.cancel) => return cancelled,
        }
        Ok(())
    }

    async fn client_stream(
        &mut self,
        call: impl Future<Output = Result<Response<proto::ClientStreamResponse>, Status>>,
        sender: mpsc::Sender<proto::ClientStreamRequest>,
        requests: Vec<proto::ClientStreamRequest>,
    ) -> Ended {
        let delay = milliseconds(self.request.request_delay_ms);
        let sending = send(sender, requests, delay, self.cancel, &mut self.unsent, None);
        tokio::select! {
            response = call => self.payloads.push(response?.into_inner().payload.unwrap_or_default()),
            cancelled = sending => return cancelled,
        }
        Ok(())
    }

    async fn server_stream(
        &mut self,
        call: impl Future<Output = Result<Response<Streaming<proto::ServerStreamResponse>>, Status>>,
    ) -> Ended {
        let (arrived, _arrivals) = mpsc::unbounded_channel();
        let reading = receive(call, |message| message.payload, &mut self.payloads, self.cancel, arrived);
        tokio::select! {
            ended = reading => ended,
            cancelled = Self::cancelled(self.cancel) => cancelled,
        }
    }

    async fn bidi_stream(
        &mut self,
        call: impl Future<Output = Result<Response<Streaming<proto::BidiStreamResponse>>, Status>>,
        sender: mpsc::Sender<proto::BidiStreamRequest>,
        requests: Vec<proto::BidiStreamRequest>,
    ) -> Ended {
        let full_duplex = self.request.stream_type() == StreamType::FullDuplexBidiStream;
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let delay = milliseconds(self.request.request_delay_ms);
        let turns = full_duplex.then_some(arrivals);
        let sending = send(sender, requests, delay, self.cancel, &mut self.unsent, turns);
        let reading = receive(call, |message| message.payload, &mut self.payloads, self.cancel, arrived);
        tokio::select! {
            ended = reading => ended,
            cancelled = sending => cancelled,
        }
    }

    fn messages<M: Message + Default>(&self) -> Result<Vec<M>, Failure> {
        let messages = self.request.request_messages.iter();
        Ok(messages.map(|any| M::decode(any.value.as_slice())).collect::<Result<_, _>>()?)
    }

    /// The one request of a call that takes one, when it is time to send it.
    async fn only<M: Message + Default>(&mut self) -> Result<Request<M>, Failure> {
        let [message] = <[M; 1]>::try_from(self.messages()?).map_err(|_| "the method takes one request")?;
        sleep(milliseconds(self.request.request_delay_ms)).await;
        self.unsent = 0;
        self.dress(message)
    }

    /// With the headers and the deadline of the call.
    fn dress<T>(&self, message: T) -> Result<Request<T>, Failure> {
        let mut request = Request::new(message);
        *request.metadata_mut() = convert::to_metadata(&self.request.request_headers)?;
        if let Some(timeout) = self.request.timeout_ms {
            request.set_timeout(milliseconds(timeout));
        }
        Ok(request)
    }
}

/// Sends all requests, with full duplex each after the answer to the one before it, and ends when the call is to be
/// cancelled after that.
async fn send<M>(
    sender: mpsc::Sender<M>,
    requests: Vec<M>,
    delay: Duration,
    cancel: Option<CancelTiming>,
    unsent: &mut usize,
    mut turns: Option<mpsc::UnboundedReceiver<()>>,
) -> Ended {
    for request in requests {
        sleep(delay).await;
        if sender.send(request).await.is_err() {
            // The call has ended; how is for its other half to say.
            return std::future::pending().await;
        }
        *unsent -= 1;
        if let Some(turns) = &mut turns {
            turns.recv().await;
        }
    }
    // There is room once the last request is taken; a sender that lives keeps the sending side open.
    let room = sender.reserve().await;
    if matches!(cancel, Some(CancelTiming::BeforeCloseSend(()))) {
        return Call::cancelled(cancel).await;
    }
    drop(room);
    drop(sender);
    Call::cancelled(cancel).await
}

/// Takes what the server streams, and says so for each.
async fn receive<M>(
    call: impl Future<Output = Result<Response<Streaming<M>>, Status>>,
    payload: fn(M) -> Option<ConformancePayload>,
    payloads: &mut Vec<ConformancePayload>,
    cancel: Option<CancelTiming>,
    arrived: mpsc::UnboundedSender<()>,
) -> Ended {
    let mut messages = call.await?.into_inner();
    let mut count = 0;
    while let Some(message) = messages.message().await? {
        payloads.push(payload(message).unwrap_or_default());
        count += 1;
        if matches!(cancel, Some(CancelTiming::AfterNumResponses(wanted)) if wanted == count) {
            return Err(Status::cancelled("the caller dropped the stream"));
        }
        // None listens where it does not matter.
        let _ = arrived.send(());
    }
    Ok(())
}

fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count.into())
}
