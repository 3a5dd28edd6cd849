//! How long header lists are, and what may not stand in them.

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};

/// So much longer than the program's limit a header list may be before h2 itself steps in, which can cost the whole
/// connection. What is longer than the limit costs its own call.
pub(crate) const SLACK: u32 = 1 << 20;

/// What each field costs beside its bytes (RFC 9113 §6.5.2).
const PER_FIELD: usize = 32;
/// `:status` and three digits.
const STATUS: usize = PER_FIELD + 10;

/// The size of fields as SETTINGS_MAX_HEADER_LIST_SIZE counts it (RFC 9113 §6.5.2).
pub(crate) fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + PER_FIELD).sum()
}

/// The size of a request's head, pseudo-headers included.
pub(crate) fn request_size<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    let pseudo = [
        (":method", request.method().as_str().len()),
        (":path", uri.path_and_query().map_or(1, |path| path.as_str().len())),
        (":scheme", uri.scheme_str().map_or(0, str::len)),
        (":authority", uri.authority().map_or(0, |authority| authority.as_str().len())),
    ];
    let pseudo: usize = pseudo.iter().map(|(name, value)| name.len() + value + PER_FIELD).sum();
    pseudo + size(request.headers())
}

/// The size of a response's head, `:status` included.
pub(crate) fn response_size(headers: &HeaderMap) -> usize {
    STATUS + size(headers)
}

/// The limit that h2 is told for a program's limit.
pub(crate) fn limit_for_h2(limit: u32) -> u32 {
    limit.saturating_add(SLACK)
}

/// Whether a gRPC request cannot have this field: one that is about a single HTTP/1 connection (RFC 9113 §8.2.2), or a
/// length of a body that gRPC frames by itself.
pub(crate) fn is_forbidden(name: &HeaderName, value: &HeaderValue) -> bool {
    *name == header::CONTENT_LENGTH || is_of_connection(name, value)
}

/// Leaves out what is about a single HTTP/1 connection; says the first such name.
pub(crate) fn remove_connection_fields(headers: &mut HeaderMap) -> Option<HeaderName> {
    let mut first = None;
    while let Some((name, _)) = headers.iter().find(|(name, value)| is_of_connection(name, value)) {
        let name = name.clone();
        headers.remove(&name);
        first.get_or_insert(name);
    }
    first
}

fn is_of_connection(name: &HeaderName, value: &HeaderValue) -> bool {
    if *name == header::TE {
        return !value.as_bytes().eq_ignore_ascii_case(b"trailers");
    }
    *name == header::CONNECTION
        || *name == header::TRANSFER_ENCODING
        || *name == header::UPGRADE
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counted_as_http2_does() {
        let mut headers = HeaderMap::new();
        assert_eq!(size(&headers), 0);
        headers.append("ab", "cde".parse().unwrap());
        headers.append("ab", "".parse().unwrap());
        assert_eq!(size(&headers), (2 + 3 + 32) + (2 + 32));
        assert_eq!(response_size(&headers), size(&headers) + 7 + 3 + 32);
        let request = Request::builder().method("POST").uri("http://h:1/a/b").body(()).unwrap();
        assert_eq!(request_size(&request), (7 + 4 + 32) + (5 + 4 + 32) + (7 + 4 + 32) + (10 + 3 + 32));
        assert_eq!(limit_for_h2(u32::MAX), u32::MAX);
    }

    fn forbidden(headers: &HeaderMap) -> Option<&HeaderName> {
        headers.iter().find(|(name, value)| is_forbidden(name, value)).map(|(name, _)| name)
    }

    #[test]
    fn what_is_about_one_connection_is_left_out() {
        let mut headers = HeaderMap::new();
        for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
            headers.append(name, "1".parse().unwrap());
        }
        headers.append("te", "gzip".parse().unwrap());
        headers.append("x-mine", "1".parse().unwrap());
        assert_eq!(forbidden(&headers).unwrap(), "connection");
        assert_eq!(remove_connection_fields(&mut headers).unwrap(), "connection");
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-mine"]);
        headers.insert("te", "trailers".parse().unwrap());
        assert_eq!(forbidden(&headers), None);
        assert_eq!(remove_connection_fields(&mut headers), None);
        headers.insert("content-length", "1".parse().unwrap());
        assert_eq!(forbidden(&headers).unwrap(), "content-length");
    }
}
