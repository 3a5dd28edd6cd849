//! The client under test: makes the calls it is told on stdin, and tells on stdout how each ended.

use std::sync::Arc;

use evenkeel::{Channel, ClientTls};
use tokio::io::{Stdout, stdin, stdout};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use crate::proto::client_compat_response::Result as Outcome;
use crate::proto::{ClientCompatRequest, ClientCompatResponse, ClientErrorResult};
use crate::{Failure, calls, wire};

/// So many that the suite's delays overlap, so few that a deadline of 200 ms holds on two cores.
const CALLS_AT_ONCE: usize = 4;

pub(crate) async fn run() -> Result<(), Failure> {
    let mut input = stdin();
    let output = Arc::new(Mutex::new(stdout()));
    let room = Arc::new(Semaphore::new(CALLS_AT_ONCE));
    let mut calls = JoinSet::new();
    while let Some(request) = wire::read::<ClientCompatRequest>(&mut input).await? {
        let permit = Arc::clone(&room).acquire_owned().await?;
        let output = Arc::clone(&output);
        calls.spawn(async move {
            let told = tell(request, &output).await;
            drop(permit);
            told
        });
    }
    while let Some(told) = calls.join_next().await {
        told??;
    }
    Ok(())
}

async fn tell(request: ClientCompatRequest, output: &Mutex<Stdout>) -> Result<(), Failure> {
    let test_name = request.test_name.clone();
    let outcome = match channel(&request) {
        Ok(channel) => calls::make(channel, request).await,
        Err(failure) => Err(failure),
    };
    let outcome = match outcome {
        Ok(response) => Outcome::Response(response),
        Err(failure) => Outcome::Error(ClientErrorResult { message: failure.to_string() }),
    };
    let response = ClientCompatResponse { test_name, result: Some(outcome) };
    wire::write(&mut *output.lock().await, &response).await
}

/// A channel for each call: their servers and certificates differ.
fn channel(request: &ClientCompatRequest) -> Result<Channel, Failure> {
    let target = format!("passthrough:///{}:{}", request.host, request.port);
    let mut builder = Channel::builder(target);
    if !request.server_tls_cert.is_empty() {
        let mut tls = ClientTls::new().ca_pem(&request.server_tls_cert);
        if let Some(creds) = &request.client_tls_creds {
            tls = tls.identity_pem(&creds.cert, &creds.key);
        }
        builder = builder.tls(tls);
    }
    Ok(builder.build()?)
}
