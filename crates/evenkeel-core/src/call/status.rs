//! The one place where a transport's word becomes a gRPC status code.

use crate::code::Code;

/// The status of a response that carries no `grpc-status` (gRPC's HTTP status mapping).
///
/// 200 without a status is UNKNOWN: the server, or something between, does not speak gRPC.
pub const fn from_http_status(status: u16) -> Code {
    match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// The status of a stream that the peer reset with this HTTP/2 error code (gRPC over HTTP/2, "Errors").
pub const fn from_reset(code: u32) -> Code {
    match code {
        // REFUSED_STREAM
        0x7 => Code::Unavailable,
        // CANCEL
        0x8 => Code::Cancelled,
        // ENHANCE_YOUR_CALM
        0xb => Code::ResourceExhausted,
        // INADEQUATE_SECURITY
        0xc => Code::PermissionDenied,
        // NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, FRAME_SIZE_ERROR,
        // COMPRESSION_ERROR, CONNECT_ERROR
        0x0..=0x4 | 0x6 | 0x9 | 0xa => Code::Internal,
        // STREAM_CLOSED, HTTP_1_1_REQUIRED and codes nobody has defined.
        _ => Code::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_statuses_map_as_the_grpc_table_says() {
        let table = [
            (400, Code::Internal),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::Unimplemented),
            (429, Code::Unavailable),
            (502, Code::Unavailable),
            (503, Code::Unavailable),
            (504, Code::Unavailable),
            (200, Code::Unknown),
            (418, Code::Unknown),
            (500, Code::Unknown),
        ];
        for (status, code) in table {
            assert_eq!(from_http_status(status), code, "{status}");
        }
    }

    #[test]
    fn resets_map_as_the_grpc_table_says() {
        use Code::{Cancelled, Internal, PermissionDenied, ResourceExhausted, Unavailable, Unknown};
        let table = [
            Internal,
            Internal,
            Internal,
            Internal,
            Internal,
            Unknown,
            Internal,
            Unavailable,
            Cancelled,
            Internal,
            Internal,
            ResourceExhausted,
            PermissionDenied,
            Unknown,
        ];
        for (reset, code) in (0..).zip(table) {
            assert_eq!(from_reset(reset), code, "{reset:#x}");
        }
    }
}
