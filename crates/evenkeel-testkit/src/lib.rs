//! Peers that misbehave on purpose, for evenkeel's own tests.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a peer fails the test that uses it in the shortest way; nothing here ships"
)]

pub mod echo;
pub mod forwarder;
pub mod leaks;
pub mod peer;
pub mod raw;
pub mod sockets;
pub mod tonic_peer;

pub mod dns;

/// The guide, whose complete programs must compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/kubernetes.md")]
pub struct Guide;

/// The page of migrations, likewise.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/migration.md")]
pub struct Migration;

/// The test service's generated stubs.
#[allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod proto {
    tonic::include_proto!("evenkeel.test.v1");
}

/// The generated stubs of the examples' service: what `tonic-prost-build` makes of `proto/school.proto` in any project.
#[allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod school {
    tonic::include_proto!("school.v1");
}
