//! The school service that `serve` offers: the article's `school-internal`.

mod name;
pub(crate) mod reflection;
mod service;

pub(crate) use generated::school_server::SchoolServer;
pub(crate) use name::{SERVED_BY, Served, ServedBy};
pub(crate) use service::Schools;

/// The method that a load calls when nothing else is said.
pub(crate) fn get_school() -> http::uri::PathAndQuery {
    http::uri::PathAndQuery::from_static("/school.v1.School/GetSchool")
}

#[allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    clippy::wildcard_imports,
    reason = "generated code"
)]
mod generated {
    tonic::include_proto!("school.v1");
}
