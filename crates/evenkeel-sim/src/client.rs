//! Clients: evenkeel's channel over the simulated network, and an open loop of calls on it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evenkeel::resolve::{BoxFuture, Dns};
use evenkeel::{Address, CallOptions, Channel, ConnectRequest, Io};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::{Code, Request, Status, Streaming};

use crate::cluster::CALL;
use crate::judge::{Ended, Judge, Watch};
use crate::net::{Net, Sockets};

/// How long after its deadline a call is given up as one that never ends.
const FOREVER: Duration = Duration::from_secs(5);
const MESSAGES: u32 = 3;

/// What a call does.
#[derive(Clone, Copy, Debug)]
enum Method {
    Unary,
    ServerStream,
    Bidi,
}

/// One call to be.
struct Plan {
    method: Method,
    deadline: Duration,
    wait_for_ready: bool,
    delay_ms: u32,
}

/// Builds the channel of the client at `ip`.
pub(crate) fn channel(net: &Net, ip: IpAddr, judge: &Judge) -> Result<Channel, evenkeel::BuildError> {
    let dialler = net.clone();
    let connect = move |request: &ConnectRequest<'_>| -> BoxFuture<'static, std::io::Result<Box<dyn Io>>> {
        let (net, address) = (dialler.clone(), request.address.clone());
        Box::pin(async move {
            let Address::Ip(address) = address else { return Err(std::io::ErrorKind::Unsupported.into()) };
            Ok(Box::new(net.connect(ip, address).await?) as Box<dyn Io>)
        })
    };
    // Asked for at run time first: a build that is kept outside the checkout may have been made for another one.
    let folder =
        std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let resolv_conf = format!("{folder}/resolv.conf");
    Channel::builder("dns:///pods:50051")
        .resolver(Dns::over(Sockets::new(net.clone(), ip), resolv_conf))
        .connector(connect)
        .observer(Arc::new(Watch { judge: judge.clone(), client: ip }))
        .build()
}

/// Makes calls, `rate` of them a second on average, until the rate is 0; returns when all have ended.
pub(crate) async fn run(
    channel: Channel,
    ip: IpAddr,
    judge: Judge,
    mut random: Rng,
    rate: watch::Receiver<f64>,
) {
    let mut calls = JoinSet::new();
    loop {
        let rate = *rate.borrow();
        if rate <= 0.0 {
            break;
        }
        sleep(Duration::from_secs_f64(2.0 * random.f64() / rate)).await;
        calls.spawn(call(channel.clone(), ip, judge.clone(), plan(&mut random)));
        while calls.try_join_next().is_some() {}
    }
    while calls.join_next().await.is_some() {}
}

fn plan(random: &mut Rng) -> Plan {
    let method = match random.u8(..20) {
        0..16 => Method::Unary,
        16..18 => Method::ServerStream,
        _ => Method::Bidi,
    };
    Plan {
        method,
        deadline: Duration::from_millis(random.u64(1_000..2_000)),
        wait_for_ready: random.u8(..4) == 0,
        delay_ms: if random.bool() { 0 } else { random.u32(..100) },
    }
}

async fn call(channel: Channel, ip: IpAddr, judge: Judge, plan: Plan) {
    let Plan { method, deadline, wait_for_ready, .. } = plan;
    let call = judge.on_call_started(ip);
    let id = format!("{}", call.number);
    let result = timeout(deadline + FOREVER, perform(EchoClient::new(channel), &id, &plan)).await.ok();
    let method = match method {
        Method::Unary => "unary",
        Method::ServerStream => "server-stream",
        Method::Bidi => "bidi",
    };
    judge.on_call_ended(call, Ended { method, deadline, wait_for_ready, result });
}

async fn perform(mut client: EchoClient<Channel>, id: &str, plan: &Plan) -> Result<IpAddr, Status> {
    let message = EchoRequest {
        payload: id.as_bytes().to_vec(),
        delay_ms: plan.delay_ms,
        repeat: MESSAGES,
        ..EchoRequest::default()
    };
    match plan.method {
        Method::Unary => {
            let answer = client.unary(dress(message, id, plan)?).await?.into_inner();
            check(&answer, id)
        }
        Method::ServerStream => {
            let answers = client.server_stream(dress(message, id, plan)?).await?.into_inner();
            read_all(answers, id).await
        }
        Method::Bidi => {
            let messages = tokio_stream::iter((0..MESSAGES).map(move |_| message.clone()));
            let answers = client.bidi(dress(messages, id, plan)?).await?.into_inner();
            read_all(answers, id).await
        }
    }
}

fn dress<T>(message: T, id: &str, plan: &Plan) -> Result<Request<T>, Status> {
    let mut request = Request::new(message);
    request.set_timeout(plan.deadline);
    let id = id.parse().map_err(|_| wrong("a number is no metadata"))?;
    request.metadata_mut().insert(CALL, id);
    request.extensions_mut().insert(CallOptions::new().wait_for_ready(plan.wait_for_ready));
    Ok(request)
}

async fn read_all(mut answers: Streaming<EchoResponse>, id: &str) -> Result<IpAddr, Status> {
    let (mut count, mut pod) = (0, None);
    while let Some(answer) = answers.message().await? {
        pod = Some(check(&answer, id)?);
        count += 1;
    }
    pod.filter(|_| count == MESSAGES).ok_or_else(|| wrong("a stream that ended well lacks messages"))
}

/// Who answered, if it is this call's answer.
fn check(answer: &EchoResponse, id: &str) -> Result<IpAddr, Status> {
    let pod = answer.served_by.parse().map_err(|_| wrong("nobody answered"))?;
    if answer.payload == id.as_bytes() { Ok(pod) } else { Err(wrong("another call's answer")) }
}

/// A code that no peer sends here: the judge lets none of it pass.
fn wrong(text: &str) -> Status {
    Status::new(Code::DataLoss, text)
}

/// The address of the client with this number.
pub(crate) fn address(number: u8) -> IpAddr {
    SocketAddr::from(([10, 1, 0, number], 0)).ip()
}
