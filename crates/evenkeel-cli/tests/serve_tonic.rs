//! tonic's generated client on tonic's own channel, against `evenkeel serve`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod common;

use std::time::Duration;

use common::Pod;
use evenkeel_load::school::stubs::school_client::SchoolClient;
use evenkeel_load::school::stubs::{
    GetSchoolRequest, ListSchoolsRequest, RecordSchoolsRequest, SchoolRecord, SyncSchoolsRequest,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

const MEBIBYTE: u32 = 1 << 20;

async fn client(pod: &Pod) -> SchoolClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", pod.address)).unwrap();
    SchoolClient::new(endpoint.connect().await.unwrap()).max_decoding_message_size(32 << 20)
}

fn school(id: i64, note: &str) -> Option<SchoolRecord> {
    Some(SchoolRecord { id, note: note.to_owned(), ..SchoolRecord::default() })
}

#[tokio::test]
async fn every_kind_of_call_with_large_messages() {
    let pod = Pod::start("school-7", &[]);
    let mut client = client(&pod).await;
    let response = client.get_school(GetSchoolRequest { id: 7, note_bytes: MEBIBYTE }).await.unwrap();
    assert_eq!(response.metadata().get("x-served-by").unwrap(), "school-7");
    assert_eq!(response.into_inner().school.unwrap().note.len(), MEBIBYTE as usize);

    let list = ListSchoolsRequest { count: 4, note_bytes: MEBIBYTE };
    let mut schools = client.list_schools(list).await.unwrap().into_inner();
    for id in 1..=4 {
        let school = schools.message().await.unwrap().unwrap().school.unwrap();
        assert_eq!((school.id, school.note.len()), (id, MEBIBYTE as usize));
    }
    assert_eq!(schools.message().await.unwrap(), None);

    let large = "x".repeat(MEBIBYTE as usize);
    let records = (0..4).map(|id| RecordSchoolsRequest { school: school(id, &large) }).collect::<Vec<_>>();
    let recorded = client.record_schools(tokio_stream::iter(records)).await.unwrap().into_inner();
    assert_eq!((recorded.count, recorded.note_bytes), (4, 4 * u64::from(MEBIBYTE)));

    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut answers = client.sync_schools(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    for id in 0..4 {
        sender.send(SyncSchoolsRequest { school: school(id, &large) }).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().school, school(id, &large));
    }
    drop(sender);
    assert_eq!(answers.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_failure_brings_its_trailers() {
    let pod = Pod::start("school-7", &[]);
    let request = GetSchoolRequest { id: -3, ..GetSchoolRequest::default() };
    let status = client(&pod).await.get_school(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.metadata().get("x-school-id").unwrap(), "-3");
}

#[tokio::test]
async fn a_deadline_ends_the_call() {
    let pod = Pod::start("slow", &["--delay", "10m"]);
    let mut request = Request::new(GetSchoolRequest::default());
    request.set_timeout(Duration::from_millis(100));
    let status = client(&pod).await.get_school(request).await.unwrap_err();
    // tonic's channel watches the deadline too; it says CANCELLED when it is the first.
    assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
}

#[tokio::test]
async fn a_cancelled_call_costs_the_pod_nothing() {
    let mut pod = Pod::start("school-7", &["--drain-timeout", "10m"]);
    let mut client = client(&pod).await;
    let endless = ListSchoolsRequest { count: u32::MAX, note_bytes: 1_000 };
    let mut schools = client.list_schools(endless).await.unwrap().into_inner();
    schools.message().await.unwrap().unwrap();
    drop(schools);
    client.get_school(GetSchoolRequest::default()).await.unwrap();
    // A drain waits for every call, so it would not end if the cancelled one still ran.
    pod.signal("TERM");
    let drained = tokio::task::spawn_blocking(move || pod.wait());
    let (status, stderr) = tokio::time::timeout(Duration::from_secs(60), drained).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{stderr}");
}
