//! The service's messages and client, for tests that call it.

pub use super::generated::{
    GetSchoolRequest, GetSchoolResponse, ListSchoolsRequest, ListSchoolsResponse, RecordSchoolsRequest,
    RecordSchoolsResponse, SchoolRecord, SyncSchoolsRequest, SyncSchoolsResponse, school_client,
};
