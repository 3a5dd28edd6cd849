//! A request's body, which every attempt of its call reads from the beginning, as long as keeping it is cheap.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body;
use tonic::Status;

/// A request body and what was read from it so far.
///
/// Chunks are kept, by reference, until the response begins ([`RequestBuffer::commit`]) or they grow too large. The first
/// one does not count: a unary request is one chunk, which is in memory anyway, and must not be lost for being long.
#[derive(Debug, Default)]
pub(crate) struct RequestBuffer {
    body: tonic::body::Body,
    /// Nearly every request is one chunk: it needs no list.
    first: Option<Bytes>,
    rest: Vec<Bytes>,
    /// How much of `rest` may still come.
    room: usize,
    /// How many chunks the body has given.
    read: usize,
    keeping: bool,
    end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Ahead,
    Reached,
    /// The caller's own body failed: what was read of it is no request.
    Failed,
}

/// How far one attempt has read. Several may read one buffer: what the first of them gets from the body, the others get
/// from what is kept.
#[derive(Debug, Default)]
pub(super) struct Cursor(usize);

impl RequestBuffer {
    /// `at_most`: how many bytes are kept, beside the first chunk.
    pub(crate) fn new(body: tonic::body::Body, at_most: usize) -> Self {
        Self { body, first: None, rest: Vec::new(), room: at_most, read: 0, keeping: true, end: End::Ahead }
    }

    /// The next chunk of the attempt whose cursor this is; `None` at the end of the request.
    ///
    /// # Errors
    /// When the caller's own body failed, or when what comes next was not kept: another attempt goes on alone.
    pub(super) fn poll_chunk(
        &mut self,
        cursor: &mut Cursor,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Status>>> {
        if cursor.0 < self.read {
            let kept = self.kept_chunk(cursor.0).ok_or_else(not_kept);
            cursor.0 += 1;
            return Poll::Ready(Some(kept));
        }
        while self.end == End::Ahead {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => self.end = End::Reached,
                Some(Err(status)) => {
                    self.end = End::Failed;
                    self.keeping = false;
                    return Poll::Ready(Some(Err(status)));
                }
                Some(Ok(frame)) => {
                    // gRPC requests have no trailers; a frame of another kind is not for the wire.
                    if let Ok(chunk) = frame.into_data() {
                        self.read += 1;
                        cursor.0 = self.read;
                        self.keep(&chunk);
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                }
            }
        }
        Poll::Ready((self.end == End::Failed).then(|| Err(not_kept())))
    }

    /// Whether the request can still be sent from its beginning.
    pub(crate) fn is_replayable(&self) -> bool {
        self.keeping
    }

    /// The response of the attempt whose cursor this is has begun: there will be no other one.
    pub(super) fn commit(&mut self, cursor: &Cursor) {
        self.keeping = false;
        // What this attempt has still to send of the kept chunks must stay.
        if cursor.0 >= self.read {
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
        }
    }

    fn forget(&mut self) {
        self.first = None;
        self.rest = Vec::new();
    }
}

fn not_kept() -> Status {
    Status::internal("the request was not kept for another attempt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::task::Waker;

    const AT_MOST: usize = 100;

    /// Empty, one is a failure.
    struct Chunks(VecDeque<Bytes>);

    impl Body for Chunks {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
            let failed = Err(Status::aborted("the program's own"));
            let data =
                |chunk: Bytes| if chunk.is_empty() { failed } else { Ok(http_body::Frame::data(chunk)) };
            Poll::Ready(self.0.pop_front().map(data))
        }
    }

    fn request(sizes: &[usize]) -> RequestBuffer {
        let chunks = sizes.iter().enumerate().map(|(n, size)| Bytes::from(vec![n as u8; *size])).collect();
        RequestBuffer::new(tonic::body::Body::new(Chunks(chunks)), AT_MOST)
    }

    fn read(request: &mut RequestBuffer, cursor: &mut Cursor, at_most: usize) -> Vec<Bytes> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut chunks = Vec::new();
        while chunks.len() < at_most
            && let Poll::Ready(Some(chunk)) = request.poll_chunk(cursor, &mut cx)
        {
            chunks.push(chunk.unwrap());
        }
        chunks
    }

    fn sizes(chunks: &[Bytes]) -> Vec<usize> {
        chunks.iter().map(Bytes::len).collect()
    }

    #[test]
    fn a_second_attempt_sends_what_the_first_did_and_goes_on() {
        let mut request = request(&[3, 4, 5, 6]);
        let first = read(&mut request, &mut Cursor::default(), 2);
        assert!(request.is_replayable());
        let second = read(&mut request, &mut Cursor::default(), 100);
        assert_eq!(second[..2], first[..]);
        assert_eq!(sizes(&second), [3, 4, 5, 6]);
    }

    #[test]
    fn two_attempts_that_read_in_turn_both_get_all_of_it() {
        let mut request = request(&[3, 4, 5, 6]);
        let (mut one, mut other) = (Cursor::default(), Cursor::default());
        let (mut by_one, mut by_other) = (Vec::new(), Vec::new());
        for (ones, others) in [(1, 2), (0, 1), (3, 0), (0, 9), (9, 0)] {
            by_one.extend(read(&mut request, &mut one, ones));
            by_other.extend(read(&mut request, &mut other, others));
        }
        assert_eq!(sizes(&by_one), [3, 4, 5, 6]);
        assert_eq!(by_one, by_other);
    }

    #[test]
    fn a_long_stream_is_not_kept() {
        let mut request = request(&[5, AT_MOST, 1, 2]);
        let mut cursor = Cursor::default();
        assert_eq!(read(&mut request, &mut cursor, 2).len(), 2);
        assert!(request.is_replayable());
        assert_eq!(sizes(&read(&mut request, &mut cursor, 1)), [1]);
        assert!(!request.is_replayable());
        assert_eq!(sizes(&read(&mut request, &mut cursor, 100)), [2], "this attempt goes on");
        let mut late = Cursor::default();
        let polled = request.poll_chunk(&mut late, &mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Some(Err(_)))), "no other one begins in the middle: {polled:?}");
    }

    #[test]
    fn a_body_that_failed_is_no_request_for_anybody() {
        let mut request = request(&[3, 0]);
        let mut cx = Context::from_waker(Waker::noop());
        let (mut one, mut other) = (Cursor::default(), Cursor::default());
        for cursor in [&mut one, &mut other] {
            assert_eq!(sizes(&read(&mut request, cursor, 1)), [3]);
        }
        for cursor in [&mut one, &mut other] {
            let polled = request.poll_chunk(cursor, &mut cx);
            assert!(matches!(polled, Poll::Ready(Some(Err(_)))), "{polled:?}");
        }
        assert!(!request.is_replayable());
    }

    #[test]
    fn one_chunk_is_kept_however_long_it_is() {
        let mut request = request(&[10 * AT_MOST]);
        for _ in 0..2 {
            let chunks = read(&mut request, &mut Cursor::default(), 100);
            assert_eq!(sizes(&chunks), [10 * AT_MOST]);
            assert!(request.is_replayable());
        }
    }

    #[test]
    fn committing_in_the_middle_of_a_replay_loses_nothing() {
        let mut request = request(&[1, 2, 3]);
        read(&mut request, &mut Cursor::default(), 2);
        let mut cursor = Cursor::default();
        assert_eq!(sizes(&read(&mut request, &mut cursor, 1)), [1]);
        request.commit(&cursor);
        assert!(!request.is_replayable());
        assert_eq!(sizes(&read(&mut request, &mut cursor, 100)), [2, 3]);
    }
}
