//! What servers say about a call's status, odd as it may be: the caller gets a status, never a panic.

use evenkeel_testkit::raw::{Automatic, Headers, RawConnection, RawServer, code};
use tonic::{Code, Request, Status};

use super::support::{answer, client, expect_unary, first_call, message, unary, unary_request};

/// What a call becomes that the server answers so.
async fn outcome(answers: impl AsyncFn(&RawConnection, u32)) -> Result<Vec<u8>, Status> {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "a call");
    let (stream, _) = expect_unary(&connection).await;
    answers(&connection, stream).await;
    let ended = call.end().await.map(|response| response.payload);
    // Whatever that was, the connection carries on.
    let next = unary(&client, "next");
    let (stream, _) = expect_unary(&connection).await;
    connection.respond(stream, &answer("next")).await;
    assert_eq!(next.end().await.unwrap().payload, b"next");
    ended
}

fn details(value: &str) -> Headers {
    Headers::default().with("grpc-status", "9").with("grpc-status-details-bin", value)
}

#[tokio::test]
async fn details_that_are_not_base64_do_not_panic() {
    for (value, expected) in
        [("AAEC", &[0, 1, 2][..]), ("-_8=", &[0xfb, 0xff]), ("!!", &[]), ("AAEC,!", &[0, 1, 2])]
    {
        let in_trailers = outcome(async |connection: &RawConnection, stream| {
            connection.headers(stream, Headers::response(), false).await;
            connection.headers(stream, details(value), true).await;
        });
        let trailers_only = outcome(async |connection: &RawConnection, stream| {
            let head = Headers::trailers_only(9, "no").with("grpc-status-details-bin", value);
            connection.headers(stream, head, true).await;
        });
        for status in [in_trailers.await.unwrap_err(), trailers_only.await.unwrap_err()] {
            assert_eq!((status.code(), status.details()), (Code::FailedPrecondition, expected), "{value}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_no_text_keeps_its_code() {
    let status = outcome(async |connection: &RawConnection, stream| {
        connection.headers(stream, Headers::trailers_only(7, "bad %FF%C3%B6 100%"), true).await;
    })
    .await
    .unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "bad \u{fffd}\u{f6} 100%"));
}

#[tokio::test]
async fn a_status_before_the_message_is_not_believed() {
    let payload = outcome(async |connection: &RawConnection, stream| {
        connection.headers(stream, Headers::trailers_only(13, "not yet"), false).await;
        connection.message(stream, &answer("fine"), false).await;
        connection.trailers(stream, 0).await;
    });
    assert_eq!(payload.await.unwrap(), b"fine");
    let status = outcome(async |connection: &RawConnection, stream| {
        connection.headers(stream, Headers::trailers_only(0, ""), false).await;
        connection.headers(stream, Headers::trailers(5), true).await;
    });
    assert_eq!(status.await.unwrap_err().code(), Code::NotFound);
    let status = outcome(async |connection: &RawConnection, stream| {
        connection.headers(stream, Headers::trailers_only(5, "gone"), false).await;
        connection.data(stream, "", true).await;
    });
    let status = status.await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "gone"), "nothing followed");
}

/// A proxy's page stays one with a status pasted on.
#[tokio::test]
async fn a_status_does_not_make_a_page_an_answer() {
    let page = Headers::from([(":status", "503"), ("content-type", "text/html"), ("grpc-status", "0")]);
    let status = outcome(async move |connection: &RawConnection, stream| {
        connection.headers(stream, page.clone(), false).await;
        connection.data(stream, "<html>", true).await;
    });
    let status = status.await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert!(status.message().contains("did not answer as a gRPC server"), "{status}");
}

/// The server's reset is there before our own timer has had a chance.
#[tokio::test]
async fn a_reset_after_the_deadline_is_the_deadline() {
    for reset in [code::CANCEL, code::INTERNAL_ERROR, code::NO_ERROR] {
        for in_body in [false, true] {
            let server = RawServer::start(Automatic::default()).await;
            let client = client(&server);
            let connection = first_call(&server, &client).await;
            let mut request = Request::new(message("late"));
            request.set_timeout(std::time::Duration::from_millis(300));
            let started = std::time::Instant::now();
            let call = unary_request(&client, request);
            let (stream, _) = expect_unary(&connection).await;
            if in_body {
                connection.headers(stream, Headers::response(), false).await;
                connection.barrier().await;
            }
            connection.reset(stream, reset).await;
            // This thread runs everything: nothing is looked at before the deadline has passed.
            while started.elapsed() < std::time::Duration::from_millis(400) {
                std::hint::spin_loop();
            }
            assert_eq!(call.status().await.code(), Code::DeadlineExceeded, "{reset} {in_body}");
        }
    }
}

#[tokio::test]
async fn a_call_whose_time_is_over_is_not_sent() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    for _ in 0..100 {
        let mut request = Request::new(message("never"));
        request.set_timeout(std::time::Duration::ZERO);
        let status = unary_request(&client, request).status().await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
    }
    connection.barrier().await;
    assert_eq!(super::support::requests(&connection), 1);
}
