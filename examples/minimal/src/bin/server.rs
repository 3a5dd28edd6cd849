//! One pod. Run it with `cargo run --bin server -- 127.0.0.1:50051`.

use evenkeel::Server;
use minimal::greeter_server::{Greeter, GreeterServer};
use minimal::{GreetRequest, GreetResponse};
use tonic::{Request, Response, Status};

struct MyGreeter {
    pod: String,
}

#[tonic::async_trait]
impl Greeter for MyGreeter {
    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<GreetResponse>, Status> {
        let text = format!("Hello {}, from {}", request.into_inner().name, self.pod);
        Ok(Response::new(GreetResponse { text }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "[::]:50051".to_owned());
    Server::builder()
        .add_service(GreeterServer::new(MyGreeter { pod: listen.clone() }))
        .bind(listen)
        .await?
        .serve_until(evenkeel::signal::terminate())
        .await?;
    Ok(())
}
