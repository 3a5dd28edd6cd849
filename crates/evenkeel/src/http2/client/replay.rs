//! A request body that can be sent again from its beginning, as long as that is cheap.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body;
use tonic::Status;

/// A request body and what was read from it so far.
///
/// Chunks are kept, by reference, until the response begins ([`ReplayBody::commit`]) or they grow too large. The first one
/// does not count: a unary request is one chunk, which is in memory anyway, and must not be lost for being long.
#[derive(Debug, Default)]
pub(crate) struct ReplayBody {
    body: tonic::body::Body,
    /// Nearly every request is one chunk: it needs no list.
    first: Option<Bytes>,
    rest: Vec<Bytes>,
    /// How much of `rest` may still come.
    room: usize,
    /// The next of the kept chunks to be sent; past them, the body goes on.
    cursor: usize,
    keeping: bool,
    ended: bool,
}

impl ReplayBody {
    /// `at_most`: how many bytes are kept, beside the first chunk.
    pub(crate) fn new(body: tonic::body::Body, at_most: usize) -> Self {
        Self { body, first: None, rest: Vec::new(), room: at_most, cursor: 0, keeping: true, ended: false }
    }

    /// The next chunk of this attempt; `None` at the end of the request.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        if let Some(chunk) = self.kept_chunk(self.cursor) {
            self.cursor += 1;
            return Poll::Ready(Some(Ok(chunk)));
        }
        while !self.ended {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => self.ended = true,
                Some(Err(status)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(status)));
                }
                Some(Ok(frame)) => {
                    // gRPC requests have no trailers; a frame of another kind is not for the wire.
                    if let Ok(chunk) = frame.into_data() {
                        self.keep(&chunk);
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    /// Whether the request can still be sent from its beginning.
    pub(crate) fn is_replayable(&self) -> bool {
        self.keeping
    }

    /// Goes back to the beginning, for another attempt.
    pub(crate) fn rewind(&mut self) {
        self.cursor = 0;
    }

    /// The response has begun: there will be no other attempt.
    pub(super) fn commit(&mut self) {
        self.keeping = false;
        // What this attempt has still to send of the kept chunks must stay.
        if self.kept_chunk(self.cursor).is_none() {
            self.forget();
        }
    }

    fn kept_chunk(&self, index: usize) -> Option<Bytes> {
        match index.checked_sub(1) {
            None => self.first.clone(),
            Some(index) => self.rest.get(index).cloned(),
        }
    }

    fn keep(&mut self, chunk: &Bytes) {
        if !self.keeping {
            return;
        }
        if self.first.is_none() {
            self.first = Some(chunk.clone());
        } else if let Some(room) = self.room.checked_sub(chunk.len()) {
            self.room = room;
            self.rest.push(chunk.clone());
        } else {
            self.keeping = false;
            self.forget();
            return;
        }
        self.cursor += 1;
    }

    fn forget(&mut self) {
        self.first = None;
        self.rest = Vec::new();
        self.cursor = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::task::Waker;

    const AT_MOST: usize = 100;

    struct Chunks(VecDeque<Bytes>);

    impl Body for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|chunk| Ok(http_body::Frame::data(chunk))))
        }
    }

    fn body(sizes: &[usize]) -> ReplayBody {
        let chunks = sizes.iter().enumerate().map(|(n, size)| Bytes::from(vec![n as u8; *size])).collect();
        ReplayBody::new(tonic::body::Body::new(Chunks(chunks)), AT_MOST)
    }

    fn read(body: &mut ReplayBody, at_most: usize) -> Vec<Bytes> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut chunks = Vec::new();
        while chunks.len() < at_most
            && let Poll::Ready(Some(chunk)) = body.poll_chunk(&mut cx)
        {
            chunks.push(chunk.unwrap());
        }
        chunks
    }

    #[test]
    fn a_second_attempt_sends_what_the_first_did_and_goes_on() {
        let mut body = body(&[3, 4, 5, 6]);
        let first = read(&mut body, 2);
        assert!(body.is_replayable());
        body.rewind();
        let second = read(&mut body, 100);
        assert_eq!(second[..2], first[..]);
        assert_eq!(second.iter().map(Bytes::len).collect::<Vec<_>>(), [3, 4, 5, 6]);
    }

    #[test]
    fn a_long_stream_is_not_kept() {
        let mut body = body(&[5, AT_MOST, 1, 2]);
        assert_eq!(read(&mut body, 2).len(), 2);
        assert!(body.is_replayable());
        assert_eq!(read(&mut body, 1)[0].len(), 1);
        assert!(!body.is_replayable());
        assert_eq!(read(&mut body, 100)[0].len(), 2, "this attempt goes on");
    }

    #[test]
    fn one_chunk_is_kept_however_long_it_is() {
        let mut body = body(&[10 * AT_MOST]);
        assert_eq!(read(&mut body, 100).len(), 1);
        assert!(body.is_replayable());
        body.rewind();
        assert_eq!(read(&mut body, 100)[0].len(), 10 * AT_MOST);
    }

    #[test]
    fn committing_in_the_middle_of_a_replay_loses_nothing() {
        let mut body = body(&[1, 2, 3]);
        read(&mut body, 2);
        body.rewind();
        assert_eq!(read(&mut body, 1)[0].len(), 1);
        body.commit();
        assert!(!body.is_replayable());
        assert_eq!(read(&mut body, 100).iter().map(Bytes::len).collect::<Vec<_>>(), [2, 3]);
    }
}
