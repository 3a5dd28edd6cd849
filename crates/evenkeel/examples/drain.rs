//! Ending a server without losing a call: `cargo run -p evenkeel --example drain`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;
use std::time::Duration;

use evenkeel::{Channel, Server};
use evenkeel_testkit::school::school_client::SchoolClient;
use evenkeel_testkit::school::school_server::{School, SchoolServer};
use evenkeel_testkit::school::{GetSchoolRequest, GetSchoolResponse};
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

/// Says when a call has come, and answers it when it may.
struct Slow {
    called: Arc<Notify>,
    answer: Arc<Notify>,
}

#[tonic::async_trait]
impl School for Slow {
    async fn get_school(&self, _: Request<GetSchoolRequest>) -> Result<Response<GetSchoolResponse>, Status> {
        self.called.notify_one();
        self.answer.notified().await;
        Ok(Response::new(GetSchoolResponse::default()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (called, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let service = SchoolServer::new(Slow { called: Arc::clone(&called), answer: Arc::clone(&answer) });
    let server = Server::builder().add_service(service).bind("127.0.0.1:0").await?;
    let address = server.local_addr().ok_or("not on TCP")?;
    // A handle drains whenever the program wants; `serve_until(signal::terminate())` does it at SIGTERM.
    let handle = server.handle();
    let serving = tokio::spawn(server.serve());

    let channel = Channel::builder(format!("ipv4:{address}")).build()?;
    let mut school = SchoolClient::new(channel.clone());
    let call = tokio::spawn(async move { school.get_school(GetSchoolRequest { id: 7 }).await });
    called.notified().await;

    println!("draining, with a call under way");
    let before = channel.state();
    handle.drain(Duration::from_secs(20));
    // The GOAWAY has come: the call goes on, and no other would begin there.
    channel.wait_for_change(before).await;
    answer.notify_one();
    call.await??;
    let report = serving.await??;
    println!("finished {} call, cut {}", report.calls_finished, report.calls_cut);
    Ok(())
}
