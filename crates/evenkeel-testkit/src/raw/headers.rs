//! Header lists that assertions can read, and their plainest HPACK form (RFC 7541).

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

/// Header fields in their order on the wire, pseudo-headers first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The head of a gRPC response: `:status` 200 and the content type.
    pub fn response() -> Self {
        Self::from([(":status", "200"), ("content-type", "application/grpc")])
    }

    /// Trailers that end a call with `status`.
    pub fn trailers(status: i32) -> Self {
        Self::default().with("grpc-status", &status.to_string())
    }

    /// A response that is nothing but a status (gRPC's Trailers-Only).
    pub fn trailers_only(status: i32, message: &str) -> Self {
        Self::response().with("grpc-status", &status.to_string()).with("grpc-message", message)
    }

    /// The head of a gRPC request for `path`, for example `/evenkeel.test.v1.Echo/Unary`.
    pub fn request(path: &str) -> Self {
        Self::from([
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "localhost"),
            (":path", path),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ])
    }

    /// The same with one field more at the end.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// As literals without indexing, not Huffman-coded: nothing to keep in step with the peer's table.
    pub(super) fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        for (name, value) in self.iter() {
            out.put_u8(0);
            put_string(&mut out, name);
            put_string(&mut out, value);
        }
        out.freeze()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Headers {
    fn from(fields: [(&str, &str); N]) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

impl FromIterator<(String, String)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            write!(f, "{}{name}: {value}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str("}")
    }
}

fn put_string(out: &mut BytesMut, text: &str) {
    let mut length = text.len();
    if length < 127 {
        out.put_u8(length as u8);
    } else {
        out.put_u8(127);
        length -= 127;
        while length >= 128 {
            out.put_u8((length % 128) as u8 | 0x80);
            length /= 128;
        }
        out.put_u8(length as u8);
    }
    out.put_slice(text.as_bytes());
}
