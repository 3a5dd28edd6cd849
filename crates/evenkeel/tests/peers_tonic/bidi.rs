//! Both directions of a call move by themselves: neither waits until somebody reads the other.

use evenkeel_testkit::echo::{EchoService, PUSH_FIRST};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;

use crate::cases::{Transport, within};

const COUNT: u32 = 10_000;

pub(crate) async fn ten_thousand_messages_each_way_before_the_first_is_read<T: Transport>(
    mut client: EchoClient<T>,
    _: EchoService,
) {
    let (all_sent, sent) = oneshot::channel();
    let mut all_sent = Some(all_sent);
    let messages =
        (0..COUNT).map(|i| EchoRequest { payload: i.to_be_bytes().to_vec(), ..EchoRequest::default() });
    let messages = messages.chain(std::iter::from_fn(move || {
        all_sent.take().map(|signal| signal.send(()));
        None
    }));
    let mut request = Request::new(tokio_stream::iter(messages));
    request.metadata_mut().insert(PUSH_FIRST, COUNT.into());

    let mut stream = within("the head", client.bidi(request)).await.unwrap().into_inner();
    within("the last message's departure, though nobody reads", sent).await.unwrap();
    // The server reads its first message when it has sent as many as we have.
    for _ in 0..COUNT {
        let pushed = within("a message", stream.message()).await.unwrap().unwrap();
        assert_eq!(pushed.received, 0);
    }
    for i in 0..COUNT {
        let echo = within("a message", stream.message()).await.unwrap().unwrap();
        assert_eq!((echo.received, echo.payload), (i + 1, i.to_be_bytes().to_vec()));
    }
    assert_eq!(within("the end", stream.message()).await.unwrap(), None);
}

/// Each message in a DATA frame of its own, as a stream sends that is not ready all the time. (Not to tonic's server:
/// h2's default budget for small unread frames ends such a connection.)
pub(crate) async fn ten_thousand_frames_before_the_first_is_read<T: Transport>(
    mut client: EchoClient<T>,
    _: EchoService,
) {
    let (sender, receiver) = mpsc::channel(1);
    let (all_sent, sent) = oneshot::channel();
    tokio::spawn(async move {
        for i in 0..COUNT {
            let message = EchoRequest { payload: i.to_be_bytes().to_vec(), ..EchoRequest::default() };
            sender.send(message).await.expect("the call goes on");
        }
        all_sent.send(()).expect("the test waits");
    });
    // The first message makes the server wait, so that it reads none of the others for a while.
    let first = EchoRequest { delay_ms: 300, ..EchoRequest::default() };
    let messages = tokio_stream::once(first).chain(ReceiverStream::new(receiver));
    let mut stream = within("the head", client.bidi(messages)).await.unwrap().into_inner();
    within("the last message's departure, though nobody reads", sent).await.unwrap();
    assert_eq!(within("a message", stream.message()).await.unwrap().unwrap().received, 1);
    for i in 0..COUNT {
        let echo = within("a message", stream.message()).await.unwrap().unwrap();
        assert_eq!((echo.received, echo.payload), (i + 2, i.to_be_bytes().to_vec()));
    }
    assert_eq!(within("the end", stream.message()).await.unwrap(), None);
}
