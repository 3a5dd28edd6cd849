//! What a request is answered with that reaches no handler, as grpc-go answers it.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tonic::{Code, Status};

use crate::http2::content_type::grpc_subtype;
use crate::http2::server::{Outcome, Responder};

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Why a request reaches no handler.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is gRPC's, and its call ends with a status.
    Status(Status),
    /// It is not gRPC's: whoever sent it is told in HTTP's words too.
    Http { status: StatusCode, grpc: Status },
}

/// The content-subtypes that the program names besides gRPC's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Subtypes(pub(super) Vec<Box<str>>);

impl Refusal {
    pub(super) fn bad_request(text: &str) -> Self {
        Self::Http { status: StatusCode::BAD_REQUEST, grpc: Status::internal(text) }
    }

    /// What is wrong with a request for a gRPC method, if anything is.
    pub(super) fn of<B>(request: &Request<B>, subtypes: &Subtypes) -> Option<Self> {
        if let Some(fault) = subtypes.fault_of(request.headers()) {
            let grpc = Status::new(Code::InvalidArgument, fault);
            return Some(Self::Http { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, grpc });
        }
        if request.method() != Method::POST {
            let grpc =
                Status::internal(format!("the method of a gRPC request is POST, not {}", request.method()));
            return Some(Self::Http { status: StatusCode::METHOD_NOT_ALLOWED, grpc });
        }
        None
    }

    pub(super) fn into_response<B: Default>(self) -> Response<B> {
        let (http, grpc) = match self {
            Self::Status(status) => (StatusCode::OK, status),
            Self::Http { status, grpc } => (status, grpc),
        };
        let mut response = grpc.into_http();
        *response.status_mut() = http;
        response
    }

    /// Answers a call that no handler has seen.
    pub(super) fn send(self, responder: Responder) -> Outcome {
        responder.send_head(self.into_response())
    }
}

impl Subtypes {
    fn fault_of(&self, headers: &HeaderMap) -> Option<String> {
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return Some(
                "a gRPC request has the content-type application/grpc, and this one has none".to_owned(),
            );
        };
        // Nearly every request has just this.
        if *value == GRPC {
            return None;
        }
        match grpc_subtype(value.as_bytes()) {
            Some(subtype) if self.knows(subtype) => None,
            Some(_) => Some(format!("no codec is known for the content-type {value:?}")),
            None => Some(format!("a gRPC request has the content-type application/grpc, not {value:?}")),
        }
    }

    fn knows(&self, subtype: &[u8]) -> bool {
        subtype.is_empty()
            || subtype.eq_ignore_ascii_case(b"proto")
            || self.0.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(subtype))
    }
}
