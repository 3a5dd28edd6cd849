//! Calls, so many at a time.

use std::future::Future;

use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::client::GrpcService;

use super::PAYLOAD;

/// Calls in flight, each in a task of its own.
pub(super) const IN_FLIGHT: usize = 64;

/// Makes one call after another.
pub(super) trait Caller: Clone + Send + 'static {
    /// One unary call; the length of the payload that came back.
    fn call(&mut self) -> impl Future<Output = Result<usize, String>> + Send;
}

impl<S> Caller for EchoClient<S>
where
    S: GrpcService<Body, Future: Send, ResponseBody: Send + 'static> + Clone + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    <S::ResponseBody as tonic::transport::Body>::Data: Send,
    <S::ResponseBody as tonic::transport::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    S::ResponseBody: tonic::transport::Body<Data = bytes::Bytes>,
{
    async fn call(&mut self) -> Result<usize, String> {
        let request = EchoRequest { payload: vec![7; PAYLOAD], ..EchoRequest::default() };
        match self.unary(request).await {
            Ok(response) => Ok(response.into_inner().payload.len()),
            Err(status) => Err(status.to_string()),
        }
    }
}

/// Makes all calls; `task` is how one caller's work is run.
pub(super) async fn make<C, F>(caller: C, calls: u64, task: impl Fn(CallerWork) -> F) -> Result<(), String>
where
    C: Caller,
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let mut caller = caller.clone();
        callers.spawn(task(Box::pin(async move {
            for _ in 0..calls / IN_FLIGHT as u64 {
                let length = caller.call().await?;
                if length != PAYLOAD {
                    return Err(format!("{length} bytes came back, {PAYLOAD} were sent"));
                }
            }
            Ok(())
        })));
    }
    while let Some(ended) = callers.join_next().await {
        ended.map_err(|error| error.to_string())??;
    }
    Ok(())
}

/// What one caller has to do.
pub(super) type CallerWork = std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
