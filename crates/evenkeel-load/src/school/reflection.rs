//! Server reflection: what a pod serves, described for tools that have no .proto file of it.

use tonic_reflection::pb;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};
use tonic_reflection::server::v1alpha::{
    ServerReflection as ServerReflectionAlpha, ServerReflectionServer as ServerReflectionAlphaServer,
};
use tonic_reflection::server::{Builder, Error};

/// The school service's file, with its comments.
const SCHOOL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/school.binpb"));

/// Both versions are described by both: a tool sees the same list, whichever it asks.
fn described() -> Builder<'static> {
    [
        SCHOOL,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        pb::v1::FILE_DESCRIPTOR_SET,
        pb::v1alpha::FILE_DESCRIPTOR_SET,
    ]
    .into_iter()
    .fold(Builder::configure(), Builder::register_encoded_file_descriptor_set)
    .include_reflection_service(false)
}

/// `grpc.reflection.v1.ServerReflection`.
///
/// # Errors
/// When a description makes no sense, which the tests see.
pub fn v1() -> Result<ServerReflectionServer<impl ServerReflection>, Error> {
    described().build_v1()
}

/// `grpc.reflection.v1alpha.ServerReflection`, which older tools ask for, some of them first.
///
/// # Errors
/// As [`v1`].
pub fn v1alpha() -> Result<ServerReflectionAlphaServer<impl ServerReflectionAlpha>, Error> {
    described().build_v1alpha()
}
