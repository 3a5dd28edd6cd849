//! The school service that `serve` offers: the article's `school-internal`.

mod generated;
mod name;
pub mod reflection;
mod service;
#[cfg(feature = "stubs")]
pub mod stubs;

pub use generated::school_server::SchoolServer;
pub(crate) use name::SERVED_BY;
pub use name::{NamedService, Served, ServedBy};
pub use service::Schools;

/// The method that a load calls when nothing else is said.
pub fn get_school() -> http::uri::PathAndQuery {
    http::uri::PathAndQuery::from_static("/school.v1.School/GetSchool")
}
