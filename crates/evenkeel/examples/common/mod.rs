//! The service that examples of one feature serve and call.

use evenkeel_testkit::school::school_server::{School, SchoolServer};
use evenkeel_testkit::school::{GetSchoolRequest, GetSchoolResponse, SchoolRecord};
use tonic::{Request, Response, Status};

/// Answers with this name.
pub(crate) struct Named(pub(crate) &'static str);

impl Named {
    /// As `ServerBuilder::add_service` takes it.
    pub(crate) fn into_server(self) -> SchoolServer<Self> {
        SchoolServer::new(self)
    }
}

#[tonic::async_trait]
impl School for Named {
    async fn get_school(
        &self,
        request: Request<GetSchoolRequest>,
    ) -> Result<Response<GetSchoolResponse>, Status> {
        let school = SchoolRecord { id: request.into_inner().id, name: self.0.to_owned() };
        Ok(Response::new(GetSchoolResponse { school: Some(school) }))
    }
}
