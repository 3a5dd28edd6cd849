//! What a server says about its call's status, before tonic reads it.
//!
//! tonic takes the three headers at their word: details that are not base64 make it panic, and a message that is not
//! UTF-8 makes it forget the code.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use evenkeel_core::code::Code;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};
use tonic::Status;

pub(super) static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
static GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
static DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// What gRPC encodes in a `grpc-message`: all but printable ASCII, and the sign itself. Bytes over 0x7f always are.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// As tonic's own, which must be able to read it.
const AS_TONIC: GeneralPurpose = engine(&STANDARD, false);
const LENIENT: GeneralPurpose = engine(&STANDARD, true);
const LENIENT_URL_SAFE: GeneralPurpose = engine(&URL_SAFE, true);

const fn engine(alphabet: &Alphabet, trailing_bits: bool) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(trailing_bits);
    GeneralPurpose::new(alphabet, config)
}

/// Makes the headers of a status ones that tonic can read. The code is left as it is; a message is read lossily; details
/// are decoded whichever way they were encoded, or left out.
pub(super) fn make_readable(headers: &mut HeaderMap) {
    if let Some(message) = headers.get(&GRPC_MESSAGE).and_then(readable_message) {
        headers.insert(&GRPC_MESSAGE, message);
    }
    let Some(first) = headers.get(&DETAILS) else { return };
    if headers.get_all(&DETAILS).iter().nth(1).is_none() && AS_TONIC.decode(first.as_bytes()).is_ok() {
        return;
    }
    let found = headers
        .get_all(&DETAILS)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .find_map(decode);
    match found.and_then(|details| HeaderValue::try_from(LENIENT.encode(details)).ok()) {
        Some(value) => {
            headers.insert(&DETAILS, value);
        }
        None => {
            tracing::debug!("a server's grpc-status-details-bin is no base64: left out");
            headers.remove(&DETAILS);
        }
    }
}

/// The code that the headers of a status say; UNKNOWN where they say none.
pub(crate) fn code_of(headers: &HeaderMap) -> Code {
    headers.get(&GRPC_STATUS).map_or(Code::Unknown, |code| Code::from_header(code.as_bytes()))
}

/// The code of a status.
pub(crate) fn code_in(status: &Status) -> Code {
    Code::from_number(status.code() as i32)
}

/// A status with this code.
pub(crate) fn status(code: Code, text: String) -> Status {
    Status::new(tonic::Code::from_i32(code as i32), text)
}

/// Takes the status out of a head that more follows: it is not the call's status (gRPC over HTTP/2, Responses).
pub(super) fn take(headers: &mut HeaderMap) -> HeaderMap {
    let mut status = HeaderMap::new();
    for name in [&GRPC_STATUS, &GRPC_MESSAGE, &DETAILS] {
        if let Some(value) = headers.remove(name) {
            status.insert(name, value);
        }
    }
    status
}

/// Another value, if this one is not percent-encoded UTF-8.
fn readable_message(value: &HeaderValue) -> Option<HeaderValue> {
    let decoded: Cow<'_, [u8]> = percent_decode(value.as_bytes()).into();
    if std::str::from_utf8(&decoded).is_ok() {
        return None;
    }
    let text = String::from_utf8_lossy(&decoded);
    HeaderValue::try_from(percent_encode(text.as_bytes(), ENCODED).to_string()).ok()
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return None;
    }
    LENIENT.decode(text).or_else(|_| LENIENT_URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tonic::Code;

    fn read(fields: &[(HeaderName, &[u8])]) -> Status {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.clone(), HeaderValue::from_bytes(value).unwrap());
        }
        make_readable(&mut headers);
        Status::from_header_map(&headers).unwrap()
    }

    fn details(values: &[&[u8]]) -> Vec<u8> {
        let mut fields: Vec<(HeaderName, &[u8])> = vec![(GRPC_STATUS.clone(), b"9")];
        fields.extend(values.iter().map(|value| (DETAILS.clone(), *value)));
        let status = read(&fields);
        assert_eq!(status.code(), Code::FailedPrecondition);
        status.details().to_vec()
    }

    #[test]
    fn details_are_decoded_whichever_way_they_came_or_left_out() {
        for text in ["+/8=", "+/8", "-_8=", "-_8", " +/8= ", "+/9", "!,+/8=", "+/8=,AAAA"] {
            assert_eq!(details(&[text.as_bytes()]), [0xfb, 0xff], "{text}");
        }
        assert_eq!(details(&[b"AAAA", b"+/8="]), [0, 0, 0]);
        assert_eq!(details(&[b"?", b"+/8="]), [0xfb, 0xff]);
        for text in ["?", "a", "====", "", ",", "+/8=x", "\u{fc}"] {
            assert_eq!(details(&[text.as_bytes()]), [] as [u8; 0], "{text}");
        }
    }

    #[test]
    fn a_message_that_is_no_text_keeps_its_code() {
        for (value, text) in [
            (&b"plain"[..], "plain"),
            (b"gr%C3%B6%C3%9Fer", "gr\u{f6}\u{df}er"),
            (b"50%", "50%"),
            (b"bad %FF%zz", "bad \u{fffd}%zz"),
            (b"raw \xff byte", "raw \u{fffd} byte"),
            (b"line%0Abreak%FF", "line\nbreak\u{fffd}"),
        ] {
            let status = read(&[(GRPC_STATUS.clone(), b"7"), (GRPC_MESSAGE.clone(), value)]);
            assert_eq!((status.code(), status.message()), (Code::PermissionDenied, text));
        }
    }

    proptest! {
        #[test]
        fn nothing_a_server_says_panics(
            code in prop::collection::vec(0x20_u8..=0xff, 0..4),
            message in prop::collection::vec(0x20_u8..=0xff, 0..40),
            detail in prop::collection::vec(prop::collection::vec(0x20_u8..=0xff, 0..20), 0..4),
        ) {
            prop_assume!([&code, &message].into_iter().chain(&detail).all(|bytes| !bytes.contains(&0x7f)));
            let mut fields: Vec<(HeaderName, &[u8])> = vec![(GRPC_STATUS.clone(), &code), (GRPC_MESSAGE.clone(), &message)];
            fields.extend(detail.iter().map(|value| (DETAILS.clone(), value.as_slice())));
            let _ = read(&fields);
        }
    }
}
