//! A pod of `school-internal`: a tonic service whose connections age, and which loses no call when it ends.
//!
//! Try it: `cargo run -p evenkeel --example school_internal -- 127.0.0.1:50051`, then `manage_service` beside it.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use evenkeel::{Server, signal};
use evenkeel_testkit::school::school_server::{School, SchoolServer};
use evenkeel_testkit::school::{GetSchoolRequest, GetSchoolResponse, SchoolRecord};
use tonic::{Request, Response, Status};

struct MySchool;

#[tonic::async_trait]
impl School for MySchool {
    async fn get_school(
        &self,
        request: Request<GetSchoolRequest>,
    ) -> Result<Response<GetSchoolResponse>, Status> {
        let id = request.into_inner().id;
        let school = SchoolRecord { id, name: format!("School {id}") };
        Ok(Response::new(GetSchoolResponse { school: Some(school) }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "[::]:50051".to_owned());
    let server = Server::builder()
        .max_connection_age(Duration::from_secs(300))
        .max_connection_age_grace(Duration::from_secs(30))
        .add_service(SchoolServer::new(MySchool))
        .bind(listen)
        .await?;
    // Before anybody can know that it listens, so that no SIGTERM comes too early.
    let terminate = signal::terminate();
    if let Some(address) = server.local_addr() {
        println!("listening {address}");
    }
    // SIGTERM: health NOT_SERVING, GOAWAY, and running calls end in peace.
    let report = server.serve_until(terminate).await?;
    println!("served {} calls, cut {}", report.calls_served, report.calls_cut);
    Ok(())
}
