//! Answers made such that the client can take them: no field that HTTP/2 forbids, and no more than the client has said
//! it takes (SETTINGS_MAX_HEADER_LIST_SIZE). A client that gets more drops its whole connection.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use tonic::Status;

use crate::http2::content_type::grpc_subtype;
use crate::http2::header_list;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

const OK: &[u8] = b"0";
const RESOURCE_EXHAUSTED: HeaderValue = HeaderValue::from_static("8");
/// What gRPC encodes in a `grpc-message`.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// Makes a head fit. One that ends its stream carries a status, which is shortened.
///
/// # Errors
/// When metadata before the first message are too long: the status to send in their place.
pub(super) fn head(head: &mut Response<()>, is_last: bool, limit: u32) -> Result<(), Box<Status>> {
    let headers = head.headers_mut();
    clean(headers);
    if headers.get(CONTENT_TYPE).is_some_and(|value| grpc_subtype(value.as_bytes()).is_some()) {
        // gRPC frames its messages itself; a length from a handler's metadata would make the client give up.
        headers.remove(CONTENT_LENGTH);
    }
    let size = header_list::response_size(headers);
    if size <= limit as usize {
        return Ok(());
    }
    if is_last && headers.contains_key(GRPC_STATUS) {
        let pseudo = size - header_list::size(headers);
        status(headers, (limit as usize).saturating_sub(pseudo));
        return Ok(());
    }
    Err(Box::new(Status::resource_exhausted(too_long("metadata", size, limit))))
}

/// Makes trailers fit.
pub(super) fn trailers(trailers: &mut HeaderMap, limit: u32) {
    clean(trailers);
    if header_list::size(trailers) > limit as usize {
        status(trailers, limit as usize);
    }
}

fn clean(headers: &mut HeaderMap) {
    if let Some(name) = header_list::remove_connection_fields(headers) {
        tracing::debug!(%name, "a response's metadata that HTTP/2 does not allow were left out");
    }
}

/// Shortens the message; if that is not enough, leaves the details out; then all metadata.
fn status(headers: &mut HeaderMap, limit: usize) {
    let size = header_list::size(headers);
    if shorten_message(headers, limit) {
        return;
    }
    headers.remove(DETAILS);
    if shorten_message(headers, limit) {
        return;
    }
    let kept = [GRPC_STATUS, GRPC_MESSAGE, CONTENT_TYPE];
    let names: Vec<HeaderName> = headers.keys().filter(|name| !kept.contains(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
    if headers.get(GRPC_STATUS).is_some_and(|code| code.as_bytes() == OK) {
        // What the handler meant to say does not reach the client: that is no success.
        headers.insert(GRPC_STATUS, RESOURCE_EXHAUSTED);
        let text = too_long("trailers", size, u32::try_from(limit).unwrap_or(u32::MAX));
        if let Ok(message) = HeaderValue::try_from(text) {
            headers.insert(GRPC_MESSAGE, message);
        }
    }
    if !shorten_message(headers, limit) {
        headers.remove(GRPC_MESSAGE);
    }
}

fn too_long(what: &str, size: usize, limit: u32) -> String {
    format!("the response's {what} have {size} bytes, and the client takes {limit}")
}

/// Cuts the message as far as needed; returns whether the headers fit now.
fn shorten_message(headers: &mut HeaderMap, limit: usize) -> bool {
    let over = header_list::size(headers).saturating_sub(limit);
    if over == 0 {
        return true;
    }
    let Some(message) = headers.get(GRPC_MESSAGE) else { return false };
    let Some(room) = message.len().checked_sub(over) else { return false };
    let decoded = percent_decode(message.as_bytes()).decode_utf8_lossy();
    let mut short = String::with_capacity(room);
    // A character at a time: its escapes belong together.
    for c in decoded.chars() {
        let mut bytes = [0; 4];
        let escaped = utf8_percent_encode(c.encode_utf8(&mut bytes), ENCODED).to_string();
        if short.len() + escaped.len() > room {
            break;
        }
        short.push_str(&escaped);
    }
    match HeaderValue::try_from(short) {
        Ok(short) => headers.insert(GRPC_MESSAGE, short),
        Err(_) => headers.remove(GRPC_MESSAGE),
    };
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn fitted(fields: &[(&str, &str)], limit: u32) -> HeaderMap {
        let mut all = headers(fields);
        trailers(&mut all, limit);
        assert!(header_list::size(&all) <= limit as usize, "{all:?}");
        all
    }

    #[test]
    fn what_fits_is_left_alone() {
        let fields = [("grpc-status", "5"), ("grpc-message", "a"), ("x", "y")];
        assert_eq!(fitted(&fields, 1000), headers(&fields));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "%C3%B6".repeat(100);
        for limit in 100..120 {
            let all = fitted(&[("grpc-status", "5"), ("grpc-message", &long), ("x", "y")], limit + 34);
            assert_eq!((all["grpc-status"].as_bytes(), all["x"].as_bytes()), (&b"5"[..], &b"y"[..]));
            let message = percent_decode(all["grpc-message"].as_bytes()).decode_utf8().unwrap().into_owned();
            assert!(message.chars().all(|c| c == '\u{f6}'), "{message}");
        }
    }

    #[test]
    fn details_and_metadata_go_when_the_message_is_not_what_is_long() {
        let long = "A".repeat(500);
        let all =
            fitted(&[("grpc-status", "5"), ("grpc-message", "why"), ("grpc-status-details-bin", &long)], 300);
        assert_eq!(all, headers(&[("grpc-status", "5"), ("grpc-message", "why")]));
        let all = fitted(&[("grpc-status", "5"), ("grpc-message", "why"), ("x", &long)], 300);
        assert_eq!(all, headers(&[("grpc-status", "5"), ("grpc-message", "why")]));
        let all = fitted(&[("grpc-status", "0"), ("x", &long)], 300);
        assert_eq!(all["grpc-status"], "8");
        assert!(all["grpc-message"].to_str().unwrap().contains("577 bytes"), "{all:?}");
    }

    #[test]
    fn a_client_that_takes_next_to_nothing_gets_the_code() {
        let mut all = headers(&[("grpc-status", "5"), ("grpc-message", "why"), ("x", "y")]);
        trailers(&mut all, 1);
        assert_eq!(all, headers(&[("grpc-status", "5")]));
    }

    #[test]
    fn fields_of_one_connection_are_left_out_and_a_plain_response_keeps_its_length() {
        let fields = [("connection", "close"), ("content-length", "3"), ("x", "y")];
        let mut plain = Response::new(());
        *plain.headers_mut() = headers(&fields);
        head(&mut plain, false, 1000).unwrap();
        assert_eq!(*plain.headers(), headers(&fields[1..]));
        plain.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        head(&mut plain, false, 1000).unwrap();
        assert!(!plain.headers().contains_key("content-length"));
        assert!(head(&mut plain, false, 20).unwrap_err().message().contains("takes 20"));
    }
}
