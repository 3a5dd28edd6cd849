//! What `tonic-prost-build` makes of `proto/school/v1/school.proto`.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    clippy::wildcard_imports,
    reason = "generated code"
)]

tonic::include_proto!("school.v1");
