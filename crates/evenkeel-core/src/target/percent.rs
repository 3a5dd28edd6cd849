//! Percent-encoding (RFC 3986 §2.1).

use std::fmt::Write;

/// What may stand as it is in an authority, besides the unreserved characters.
pub(super) const AUTHORITY: &[u8] = b"!$&'()*+,;=:[]@";
/// What may stand as it is in a path, besides the unreserved characters.
pub(super) const PATH: &[u8] = b"!$&'()*+,;=:[]@/";

/// Encodes all but the unreserved characters and those in `keep`.
pub(super) fn encode(text: &str, keep: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Decodes; `None` when a `%` is not followed by two hex digits, or the result is not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}
