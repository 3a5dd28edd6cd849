//! Between the suite's messages and tonic's types.

use http::{HeaderMap, HeaderName, HeaderValue};
use prost::Message;
use prost_types::Any;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::Failure;
use crate::proto::{Error, Header};

/// `google.rpc.Status`, which `grpc-status-details-bin` holds.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// As the suite writes headers: one entry for each name. Binary values are base64, for which it wants no padding.
pub(crate) fn to_suite(headers: &HeaderMap) -> Vec<Header> {
    let values = |name: &HeaderName| {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let binary = name.as_str().ends_with("-bin");
        let of_name = headers.get_all(name).iter().map(text);
        of_name.map(|value| if binary { value.replace('=', "") } else { value }).collect()
    };
    headers.keys().map(|name| Header { name: name.to_string(), value: values(name) }).collect()
}

/// Adds the suite's headers to `headers`; binary values are in base64 already, as on the wire.
pub(crate) fn add_to(headers: &mut HeaderMap, suite: &[Header]) -> Result<(), Failure> {
    for header in suite {
        let name = HeaderName::from_bytes(header.name.to_lowercase().as_bytes())?;
        for value in &header.value {
            headers.append(name.clone(), HeaderValue::from_bytes(value.as_bytes())?);
        }
    }
    Ok(())
}

pub(crate) fn to_metadata(suite: &[Header]) -> Result<MetadataMap, Failure> {
    let mut headers = HeaderMap::new();
    add_to(&mut headers, suite)?;
    Ok(MetadataMap::from_headers(headers))
}

/// What a call ended with, as the client tells it.
pub(crate) fn to_error(status: &Status) -> Error {
    let details = RpcStatus::decode(status.details()).map(|rpc| rpc.details).unwrap_or_default();
    Error { code: i32::from(status.code()), message: Some(status.message().to_owned()), details }
}

/// The status that the server is told to end a call with.
pub(crate) fn to_status(error: Error, metadata: MetadataMap) -> Status {
    let message = error.message.unwrap_or_default();
    let rpc = RpcStatus { code: error.code, message: message.clone(), details: error.details };
    let details = if rpc.details.is_empty() { Vec::new() } else { rpc.encode_to_vec() };
    Status::with_details_and_metadata(Code::from(error.code), message, details.into(), metadata)
}

/// `message`, of the suite's type called `name`.
pub(crate) fn to_any(name: &str, message: &impl Message) -> Any {
    let type_url = format!("type.googleapis.com/connectrpc.conformance.v1.{name}");
    Any { type_url, value: message.encode_to_vec() }
}
