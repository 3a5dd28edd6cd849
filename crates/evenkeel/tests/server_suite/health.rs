//! The health service that comes with every server.

use std::convert::Infallible;

use evenkeel::{BindError, Server};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::raw::Frame;
use tokio_stream::StreamExt;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{NEVER, Running, run, serve};

const HEALTH: &str = "grpc.health.v1.Health";
const ECHO: &str = "evenkeel.test.v1.Echo";

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn check(server: &Running, service: &str) -> Result<ServingStatus, Status> {
    let mut client = HealthClient::new(server.channel().await);
    client.check(of(service)).await.map(|answer| answer.into_inner().status())
}

#[tokio::test]
async fn the_server_and_its_services_are_serving() {
    let server = serve(|s| s).await;
    assert_eq!(check(&server, "").await.unwrap(), ServingStatus::Serving);
    assert_eq!(check(&server, ECHO).await.unwrap(), ServingStatus::Serving);
    assert_eq!(check(&server, "no.such.Service").await.unwrap_err().code(), Code::NotFound);
    let mut watch =
        HealthClient::new(server.channel().await).watch(of("no.such.Service")).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
}

#[tokio::test]
async fn a_lame_duck_says_not_serving_and_still_takes_connections_and_calls() {
    let server = serve(|s| s.lame_duck(NEVER)).await;
    let mut watch = HealthClient::new(server.channel().await).watch(of(ECHO)).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.handle.drain(NEVER);
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(check(&server, "").await.unwrap(), ServingStatus::NotServing);
    server.client().await.unary(EchoRequest::default()).await.unwrap();
    server.handle.stop();
    server.report().await;
}

#[tokio::test]
async fn health_itself_is_serving_in_a_drain_too_so_that_liveness_probes_do_not_kill_it() {
    let server = serve(|s| s.lame_duck(NEVER)).await;
    let mut watch = HealthClient::new(server.channel().await).watch(of(HEALTH)).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.handle.drain(NEVER);
    while check(&server, "").await.unwrap() == ServingStatus::Serving {
        tokio::task::yield_now().await;
    }
    assert_eq!(check(&server, HEALTH).await.unwrap(), ServingStatus::Serving);
    server.handle.stop();
    assert!(watch.next().await.unwrap().is_err(), "no change was told, then it was cut");
    server.report().await;
}

#[tokio::test]
async fn a_watch_of_health_itself_does_not_hold_up_the_drain() {
    let server = serve(|s| s).await;
    let mut watch = HealthClient::new(server.channel().await).watch(of(HEALTH)).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.handle.drain(NEVER);
    assert_eq!(watch.next().await.unwrap().unwrap_err().code(), Code::Unavailable, "no change, then the end");
    assert!(server.report().await.is_clean());
}

#[tokio::test]
async fn a_second_server_tells_the_first_ones_health() {
    let echo = EchoService::new("server");
    let bound = Server::builder().add_service(echo.clone().into_server()).bind("127.0.0.1:0").await.unwrap();
    let health = bound.health_service().unwrap();
    let first = run(bound, echo.clone());
    let second = run(Server::builder().add_service(health).bind("127.0.0.1:0").await.unwrap(), echo);
    assert_eq!(check(&second, ECHO).await.unwrap(), ServingStatus::Serving);
    let mut watch = HealthClient::new(second.channel().await).watch(of("")).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    first.handle.drain(NEVER);
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    first.report().await;
    assert_eq!(check(&second, ECHO).await.unwrap(), ServingStatus::NotServing, "the first is gone");
    assert_eq!(watch.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
    assert_eq!(check(&second, HEALTH).await.unwrap(), ServingStatus::Serving);
    second.handle.drain(NEVER);
    second.report().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_is_not_said_to_serve() {
    let echo = EchoService::new("server");
    let bound = Server::builder().add_service(echo.clone().into_server()).bind("127.0.0.1:0").await.unwrap();
    let health = bound.health_service().unwrap();
    let second = run(Server::builder().add_service(health).bind("127.0.0.1:0").await.unwrap(), echo);
    let mut watch = HealthClient::new(second.channel().await).watch(of("")).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let first = tokio::spawn(bound.serve());
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(check(&second, "").await.unwrap(), ServingStatus::NotServing);
    second.handle.drain(NEVER);
    assert!(second.report().await.is_clean());
}

#[tokio::test]
async fn not_serving_is_told_before_the_goaway() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let watch = client.call("/grpc.health.v1.Health/Watch", &of("")).await;
    client.expect_first_messages::<tonic_health::pb::HealthCheckResponse>(watch, 1).await;
    server.handle.drain(NEVER);
    let told = client.expect_messages::<tonic_health::pb::HealthCheckResponse>(watch).await;
    let statuses: Vec<_> = told.iter().map(tonic_health::pb::HealthCheckResponse::status).collect();
    assert_eq!(statuses, [ServingStatus::Serving, ServingStatus::NotServing]);
    client.expect("GOAWAY", |frame| matches!(frame, Frame::GoAway { .. })).await;
    server.report().await;
}

#[tokio::test]
async fn it_steps_aside_for_a_health_service_of_the_users() {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("mine", tonic_health::ServingStatus::NotServing).await;
    let echo = EchoService::new("server");
    let builder = Server::builder().add_service(health).add_service(echo.clone().into_server());
    let server = run(builder.bind("127.0.0.1:0").await.unwrap(), echo);
    assert_eq!(check(&server, "mine").await.unwrap(), ServingStatus::NotServing);
    assert_eq!(check(&server, ECHO).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn it_can_be_turned_off() {
    let server = serve(|s| s.health_service(false)).await;
    assert_eq!(check(&server, "").await.unwrap_err().code(), Code::Unimplemented);
    let builder =
        Server::builder().health_service(false).add_service(EchoService::new("server").into_server());
    let bound = builder.bind("127.0.0.1:0").await.unwrap();
    assert!(bound.health_service().is_none());
}

/// A layer that lets nobody in, as one for authentication does with callers that have no token.
fn nobody()
-> tower::util::MapResultLayer<impl Fn(Result<Answer, Infallible>) -> Result<Answer, StdError> + Clone> {
    tower::util::MapResultLayer::new(|_| Err(Status::unauthenticated("no token").into()))
}

type StdError = Box<dyn std::error::Error + Send + Sync>;

type Answer = http::Response<tonic::body::Body>;

#[tokio::test]
async fn a_layer_that_lets_nobody_in_does_not_lock_probes_out() {
    let echo = EchoService::new("server");
    let builder = Server::builder().layer(nobody()).add_service(echo.clone().into_server());
    let bound = builder.bind("127.0.0.1:0").await.unwrap();
    let health = bound.health_service().unwrap();
    let first = run(bound, echo.clone());
    for name in ["", ECHO, HEALTH] {
        assert_eq!(check(&first, name).await.unwrap(), ServingStatus::Serving, "{name:?}");
    }
    let status = first.client().await.unary(EchoRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);

    let builder = Server::builder().layer(nobody()).add_service(health);
    let second = run(builder.bind("127.0.0.1:0").await.unwrap(), echo);
    assert_eq!(check(&second, ECHO).await.unwrap(), ServingStatus::Serving, "on the second server too");
}

#[tokio::test]
async fn a_health_service_of_the_users_is_under_the_users_layers() {
    let (_, health) = tonic_health::server::health_reporter();
    let echo = EchoService::new("server");
    let builder = Server::builder().layer(nobody()).add_service(health);
    let server = run(builder.bind("127.0.0.1:0").await.unwrap(), echo);
    assert_eq!(check(&server, "").await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn services_added_by_routes_are_known() {
    let echo = EchoService::new("server");
    let mut routes = tonic::service::Routes::builder();
    routes.add_service(echo.clone().into_server());
    let server = run(Server::builder().add_routes(routes.routes()).bind("127.0.0.1:0").await.unwrap(), echo);
    assert_eq!(check(&server, ECHO).await.unwrap(), ServingStatus::Serving);
    for unknown in ["evenkeel.test.v1", "evenkeel.test.v1.Echo/Unary", "no.such.Service"] {
        assert_eq!(check(&server, unknown).await.unwrap_err().code(), Code::NotFound, "{unknown:?}");
    }
    assert_eq!(server.service.calls(), 0, "nobody was called to learn it");
    let mut watch = HealthClient::new(server.channel().await).watch(of(ECHO)).await.unwrap().into_inner();
    server.handle.drain(NEVER);
    let mut last = None;
    while let Some(Ok(told)) = watch.next().await {
        last = Some(told.status());
    }
    assert_eq!(last, Some(ServingStatus::NotServing));
    server.report().await;
}

#[tokio::test]
async fn a_health_service_of_the_users_inside_routes_takes_its_place() {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("mine", tonic_health::ServingStatus::NotServing).await;
    let routes = tonic::service::Routes::new(health);
    let bound = Server::builder().add_routes(routes).bind("127.0.0.1:0").await.unwrap();
    assert!(bound.health_service().is_none());
    let server = run(bound, EchoService::new("server"));
    assert_eq!(check(&server, "mine").await.unwrap(), ServingStatus::NotServing);
}

#[tokio::test]
async fn a_server_without_any_service_is_an_error() {
    let empty = tonic::service::Routes::default;
    for builder in [
        Server::builder(),
        Server::builder().health_service(false),
        Server::builder().add_routes(empty()),
        Server::builder().add_routes(tonic::service::Routes::builder().routes()),
    ] {
        let error = builder.bind("127.0.0.1:0").await.unwrap_err();
        assert!(matches!(error, BindError::NoService), "{error:?}");
        assert!(error.to_string().contains("add_service"), "{error}");
    }
}
