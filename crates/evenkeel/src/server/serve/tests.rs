use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use super::*;
use crate::Server;

/// A listener that gives one error after another, and says when it was asked.
struct Failing {
    errors: VecDeque<AcceptError>,
    asked: Arc<Mutex<Vec<u128>>>,
    start: Instant,
}

impl Incoming for Failing {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Start, AcceptError>>> {
        match self.errors.pop_front() {
            Some(error) => {
                self.asked.lock().unwrap().push(self.start.elapsed().as_millis());
                Poll::Ready(Some(Err(error)))
            }
            None => Poll::Pending,
        }
    }

    fn name(&self) -> String {
        "the test's listener".to_owned()
    }
}

async fn serve(errors: Vec<AcceptError>) -> (BoundServer, Arc<Mutex<Vec<u128>>>) {
    let asked = Arc::default();
    let (_, service) = tonic_health::server::health_reporter();
    let builder = Server::builder().add_service(service);
    let mut bound = builder.bind_incoming(futures_util::stream::pending::<io::Result<TestIo>>()).unwrap();
    bound.incoming =
        Box::new(Failing { errors: errors.into(), asked: Arc::clone(&asked), start: Instant::now() });
    (bound, asked)
}

type TestIo = tokio::io::DuplexStream;

#[tokio::test(start_paused = true)]
async fn out_of_descriptors_the_listener_is_asked_ever_less_often_and_the_server_goes_on() {
    let errors = (0..10).map(|_| AcceptError::Temporary(io::Error::from_raw_os_error(24))).collect();
    let (bound, asked) = serve(errors).await;
    let handle = bound.handle();
    let serving = tokio::spawn(bound.serve());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let asked = asked.lock().unwrap().clone();
    let pauses: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The paused clock rounds timers up to a millisecond.
    let close = |(got, want): (&u128, u128)| (want..=want + 1).contains(got);
    assert!(pauses.iter().zip([5, 10, 20, 40, 80, 160, 320, 640, 1000]).all(close), "{pauses:?}");
    assert_eq!(pauses.len(), 9);
    assert!(!serving.is_finished());
    handle.stop();
    serving.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_broken_listener_ends_the_server_with_its_name() {
    let (bound, _) = serve(vec![AcceptError::Permanent(io::ErrorKind::InvalidInput.into())]).await;
    let error = bound.serve().await.unwrap_err();
    assert!(error.to_string().contains("the test's listener"), "{error}");
}
