//! The school service itself: answers made up from the request.

use std::pin::Pin;
use std::time::Duration;

use tokio_stream::{Stream, StreamExt};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};

use super::generated::school_server::School;
use super::generated::{
    GetSchoolRequest, GetSchoolResponse, ListSchoolsRequest, ListSchoolsResponse, RecordSchoolsRequest,
    RecordSchoolsResponse, SchoolRecord, SyncSchoolsRequest, SyncSchoolsResponse,
};

/// The longest note that may be asked for: a request must not cost the pod its memory.
const LONGEST_NOTE: u32 = 1 << 20;

/// The school service: schools made up from the request, with notes as long as it asks for, but for 1 MiB at most.
#[derive(Clone, Copy, Debug)]
pub struct Schools {
    delay: Duration,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Schools {
    /// Each call waits `delay` before it is answered.
    pub fn new(delay: Duration) -> Self {
        Self { delay }
    }

    async fn wait(&self) {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
    }
}

#[tonic::async_trait]
impl School for Schools {
    type ListSchoolsStream = Answers<ListSchoolsResponse>;
    type SyncSchoolsStream = Answers<SyncSchoolsResponse>;

    async fn get_school(
        &self,
        request: Request<GetSchoolRequest>,
    ) -> Result<Response<GetSchoolResponse>, Status> {
        self.wait().await;
        let GetSchoolRequest { id, note_bytes } = request.into_inner();
        if id < 0 {
            return Err(no_such_school(id));
        }
        Ok(Response::new(GetSchoolResponse { school: Some(school(id, note(note_bytes)?)) }))
    }

    async fn list_schools(
        &self,
        request: Request<ListSchoolsRequest>,
    ) -> Result<Response<Self::ListSchoolsStream>, Status> {
        self.wait().await;
        let ListSchoolsRequest { count, note_bytes } = request.into_inner();
        let note = note(note_bytes)?;
        let schools = (1..=i64::from(count))
            .map(move |id| Ok(ListSchoolsResponse { school: Some(school(id, note.clone())) }));
        Ok(Response::new(Box::pin(tokio_stream::iter(schools))))
    }

    async fn record_schools(
        &self,
        request: Request<Streaming<RecordSchoolsRequest>>,
    ) -> Result<Response<RecordSchoolsResponse>, Status> {
        self.wait().await;
        let mut schools = request.into_inner();
        let mut recorded = RecordSchoolsResponse::default();
        while let Some(message) = schools.message().await? {
            recorded.count += 1;
            recorded.note_bytes += message.school.map_or(0, |school| school.note.len() as u64);
        }
        Ok(Response::new(recorded))
    }

    async fn sync_schools(
        &self,
        request: Request<Streaming<SyncSchoolsRequest>>,
    ) -> Result<Response<Self::SyncSchoolsStream>, Status> {
        self.wait().await;
        let answers = request.into_inner().map(|message| {
            let SyncSchoolsRequest { school } = message?;
            Ok(SyncSchoolsResponse { school })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

fn school(id: i64, note: String) -> SchoolRecord {
    SchoolRecord { id, name: format!("School {id}"), note }
}

fn note(bytes: u32) -> Result<String, Status> {
    if bytes > LONGEST_NOTE {
        return Err(Status::invalid_argument(format!("note_bytes is over {LONGEST_NOTE}")));
    }
    Ok("n".repeat(bytes as usize))
}

fn no_such_school(id: i64) -> Status {
    let mut status = Status::not_found(format!("there is no school {id}"));
    status.metadata_mut().insert("x-school-id", MetadataValue::from(id));
    status
}
