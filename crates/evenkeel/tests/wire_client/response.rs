//! What a caller is told about responses that are not what gRPC promises.

use evenkeel_testkit::raw::{Automatic, Headers, RawServer};
use tonic::Code;

use super::support::{answer, client, expect_unary, first_call, unary};

const HTTP_STATUS: [(&str, Code); 12] = [
    ("400", Code::Internal),
    ("401", Code::Unauthenticated),
    ("403", Code::PermissionDenied),
    ("404", Code::Unimplemented),
    ("429", Code::Unavailable),
    ("502", Code::Unavailable),
    ("503", Code::Unavailable),
    ("504", Code::Unavailable),
    ("500", Code::Unknown),
    ("418", Code::Unknown),
    ("301", Code::Unknown),
    ("200", Code::Unknown),
];

#[tokio::test]
async fn an_http_status_without_a_grpc_status_is_mapped() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    for (status, expected) in HTTP_STATUS {
        for with_body in [false, true] {
            let call = unary(&client, "to a proxy");
            let (stream, _) = expect_unary(&connection).await;
            let head = Headers::from([(":status", status), ("content-type", "text/html")]);
            connection.headers(stream, head, !with_body).await;
            if with_body {
                connection.data(stream, &b"<h1>no</h1>"[..], true).await;
            }
            let got = call.status().await;
            assert_eq!(got.code(), expected, "HTTP {status}, body {with_body}: {got:?}");
        }
    }
}

#[tokio::test]
async fn a_grpc_status_wins_over_the_http_status() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    let head =
        Headers::from([(":status", "503"), ("content-type", "application/grpc"), ("grpc-status", "9")]);
    connection.headers(stream, head, true).await;
    assert_eq!(call.status().await.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_response_without_trailers_is_not_ok() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    connection.headers(stream, Headers::response(), false).await;
    connection.message(stream, &answer("whole, but is it OK?"), true).await;
    assert_eq!(call.status().await.code(), Code::Unknown);
}

#[tokio::test]
async fn trailers_without_a_grpc_status_are_not_ok() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    connection.headers(stream, Headers::response(), false).await;
    connection.message(stream, &answer("done"), false).await;
    connection.headers(stream, Headers::from([("x-tail", "trailing")]), true).await;
    assert_eq!(call.status().await.code(), Code::Unknown);
}

#[tokio::test]
async fn informational_responses_are_skipped() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    connection.headers(stream, Headers::from([(":status", "103"), ("x-early", "hint")]), false).await;
    connection.respond(stream, &answer("done")).await;
    assert_eq!(call.end().await.unwrap().payload, b"done");
}

#[tokio::test]
async fn the_status_message_is_percent_decoded() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    let head = Headers::trailers_only(5, "no school %E2%98%BA 100%25");
    connection.headers(stream, head, true).await;
    let status = call.status().await;
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no school ☺ 100%"));
}
