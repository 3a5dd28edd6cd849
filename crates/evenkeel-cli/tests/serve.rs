//! One pod: what it answers, and how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod common;

use std::net::TcpStream;
use std::time::Duration;

use common::{Pod, load};
use evenkeel::{Channel, Peer};
use evenkeel_load::school::stubs::school_client::SchoolClient;
use evenkeel_load::school::stubs::{
    GetSchoolRequest, ListSchoolsRequest, RecordSchoolsRequest, SchoolRecord, SyncSchoolsRequest,
    SyncSchoolsResponse,
};
use tonic::{Code, Request, Streaming};

fn client(pod: &Pod) -> SchoolClient<Channel> {
    SchoolClient::new(Channel::builder(pod.target()).build().unwrap()).max_decoding_message_size(32 << 20)
}

/// Opens a stream that stays open: its sender, and its answers, of which the first has come.
async fn open_stream(
    client: &mut SchoolClient<Channel>,
) -> (tokio::sync::mpsc::Sender<SyncSchoolsRequest>, Streaming<SyncSchoolsResponse>) {
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    sender.send(SyncSchoolsRequest::default()).await.unwrap();
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut answers = client.sync_schools(requests).await.unwrap().into_inner();
    answers.message().await.unwrap().expect("an echo");
    (sender, answers)
}

#[tokio::test]
async fn every_kind_of_call() {
    let pod = Pod::start("school-7", &[]);
    let mut client = client(&pod);

    let response = client.get_school(GetSchoolRequest { id: 7, note_bytes: 1 << 20 }).await.unwrap();
    assert_eq!(response.metadata().get("x-served-by").unwrap(), "school-7");
    assert_eq!(response.extensions().get::<Peer>().unwrap().address().to_string(), pod.address);
    let school = response.into_inner().school.unwrap();
    assert_eq!((school.id, school.name.as_str(), school.note.len()), (7, "School 7", 1 << 20));

    let response = client.list_schools(ListSchoolsRequest { count: 3, note_bytes: 0 }).await.unwrap();
    assert_eq!(response.metadata().get("x-served-by").unwrap(), "school-7");
    let mut schools = response.into_inner();
    for id in 1..=3 {
        assert_eq!(schools.message().await.unwrap().unwrap().school.unwrap().id, id);
    }
    assert_eq!(schools.message().await.unwrap(), None);

    let record = |id| RecordSchoolsRequest {
        school: Some(SchoolRecord { id, note: "four".into(), ..Default::default() }),
    };
    let recorded = client.record_schools(tokio_stream::iter((0..5).map(record))).await.unwrap().into_inner();
    assert_eq!((recorded.count, recorded.note_bytes), (5, 20));

    let (sender, mut answers) = open_stream(&mut client).await;
    for id in 10..15 {
        let school = Some(SchoolRecord { id, ..Default::default() });
        sender.send(SyncSchoolsRequest { school }).await.unwrap();
        assert_eq!(
            answers.message().await.unwrap().unwrap().school.unwrap().id,
            id,
            "answered while it is open"
        );
    }
    drop(sender);
    assert_eq!(answers.message().await.unwrap(), None);
}

#[tokio::test]
async fn errors_carry_the_name_and_their_trailers() {
    let pod = Pod::start("school-7", &[]);
    let status = client(&pod).get_school(GetSchoolRequest { id: -3, note_bytes: 0 }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.metadata().get("x-school-id").unwrap(), "-3");
    assert_eq!(status.metadata().get("x-served-by").unwrap(), "school-7");
    let (code, document) = load(&[&pod.target(), "--method", "no.such.Service/Method", "-n", "2"]);
    assert_eq!((code, &document["failed"]["UNIMPLEMENTED"]), (1, &2.into()));
    assert_eq!(document["endpoints"][0]["name"], "school-7", "on what no service answers too");
}

#[tokio::test]
async fn a_delay_meets_the_deadline() {
    let pod = Pod::start("slow", &["--delay", "1m"]);
    let mut request = Request::new(GetSchoolRequest::default());
    request.set_timeout(Duration::from_millis(100));
    assert_eq!(client(&pod).get_school(request).await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[test]
fn sigterm_drains() {
    let mut pod = Pod::start("school-1", &[]);
    let (code, document) = load(&[&pod.target(), "-n", "25"]);
    assert_eq!((code, &document["ok"]), (0, &25.into()));
    assert_eq!(pod.calls(), 25);
    pod.signal("TERM");
    let (status, stderr) = pod.wait();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert_eq!(stderr.lines().last(), Some("served 25 calls"));
}

#[tokio::test]
async fn the_drain_timeout_cuts_calls_and_says_so() {
    let mut pod = Pod::start("school-1", &["--drain-timeout", "200ms"]);
    let (_sender, mut answers) = open_stream(&mut client(&pod)).await;
    pod.signal("TERM");
    let (status, stderr) = tokio::task::spawn_blocking(move || pod.wait()).await.unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().last(), Some("served 0 calls, cut 1 call"), "{stderr}");
    assert!(answers.message().await.is_err());
}

#[tokio::test]
async fn a_second_sigterm_ends_at_once() {
    let mut pod = Pod::start("school-1", &["--drain-timeout", "10m"]);
    let (_sender, mut answers) = open_stream(&mut client(&pod)).await;
    pod.signal("TERM");
    // Two signals of a kind that wait to be taken are one: the first has been when the door is closed.
    while TcpStream::connect(&pod.address).is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pod.signal("TERM");
    let (status, stderr) = tokio::task::spawn_blocking(move || pod.wait()).await.unwrap();
    assert_eq!(status.code(), Some(1), "it cut a call: {stderr}");
    assert!(answers.message().await.is_err());
}

#[tokio::test]
async fn what_runs_may_end_while_it_drains() {
    let mut pod = Pod::start("school-1", &["--drain-timeout", "10m"]);
    let (sender, mut answers) = open_stream(&mut client(&pod)).await;
    pod.signal("TERM");
    while TcpStream::connect(&pod.address).is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    sender.send(SyncSchoolsRequest::default()).await.unwrap();
    assert!(answers.message().await.unwrap().is_some(), "a drain cuts nothing before its time");
    drop(sender);
    assert_eq!(answers.message().await.unwrap(), None);
    let (status, stderr) = tokio::task::spawn_blocking(move || pod.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0), "{stderr}");
}

#[test]
fn a_held_pod_ends_with_its_stdin() {
    let mut pod = Pod::start("school-1", &[]);
    assert_eq!(pod.calls(), 0);
    pod.close_stdin();
    pod.wait();
}

#[tokio::test]
async fn tools_can_ask_what_is_served() {
    use tokio_stream::StreamExt;
    use tonic_reflection::pb::{v1, v1alpha};

    // The two versions differ in their packages' names alone.
    macro_rules! ask {
        ($version:ident, $channel:expr, $($request:expr),*) => {{
            let requests = [$($request),*].map(|message_request| $version::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(message_request),
            });
            let mut client = $version::server_reflection_client::ServerReflectionClient::new($channel);
            let answers = client.server_reflection_info(tokio_stream::iter(requests)).await.unwrap().into_inner();
            let answers: Vec<_> = answers.map(|answer| answer.unwrap().message_response.unwrap()).collect().await;
            answers
        }};
    }

    let pod = Pod::start("school-1", &[]);
    let channel = Channel::builder(pod.target()).build().unwrap();
    let names = [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "school.v1.School",
    ];
    {
        use v1::server_reflection_request::MessageRequest;
        use v1::server_reflection_response::MessageResponse;
        let answers = ask!(
            v1,
            channel.clone(),
            MessageRequest::ListServices(String::new()),
            MessageRequest::FileContainingSymbol("school.v1.School.GetSchool".to_owned()),
            MessageRequest::FileContainingSymbol("grpc.health.v1.Health".to_owned())
        );
        let [
            MessageResponse::ListServicesResponse(list),
            MessageResponse::FileDescriptorResponse(school),
            MessageResponse::FileDescriptorResponse(_),
        ] = answers.as_slice()
        else {
            panic!("{answers:?}")
        };
        let mut listed: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
        listed.sort_unstable();
        assert_eq!(listed, names);
        let file = school.file_descriptor_proto.concat();
        assert!(file.windows(9).any(|bytes| bytes == b"GetSchool"), "the file itself");
    }
    {
        use v1alpha::server_reflection_request::MessageRequest;
        use v1alpha::server_reflection_response::MessageResponse;
        let answers = ask!(v1alpha, channel, MessageRequest::ListServices(String::new()));
        let [MessageResponse::ListServicesResponse(list)] = answers.as_slice() else { panic!("{answers:?}") };
        let mut listed: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
        listed.sort_unstable();
        assert_eq!(listed, names);
    }
}
