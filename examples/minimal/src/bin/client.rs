//! Ten calls. Run it with `cargo run --bin client -- ipv4:127.0.0.1:50051,127.0.0.2:50051`.

use std::time::Duration;

use evenkeel::Channel;
use minimal::GreetRequest;
use minimal::greeter_client::GreeterClient;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = std::env::args().nth(1).unwrap_or_else(|| "dns:///greeter-headless:50051".to_owned());
    let channel = Channel::builder(target).connect().await?;
    let mut greeter = GreeterClient::new(channel);
    for number in 1..=10 {
        let mut request = tonic::Request::new(GreetRequest { name: format!("caller {number}") });
        request.set_timeout(Duration::from_secs(5));
        println!("{}", greeter.greet(request).await?.into_inner().text);
    }
    Ok(())
}
