//! What a peer's first bytes say about the protocol it speaks.

/// As many bytes as tell HTTP/2's SETTINGS, HTTP/1 and TLS apart.
const LEN: usize = 5;

const SETTINGS: u8 = 0x4;

/// Keeps a connection's first bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opening {
    bytes: [u8; LEN],
    have: usize,
}

/// What a peer speaks that does not begin with SETTINGS, as HTTP/2 servers must (RFC 9113 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// An HTTP/1 response.
    Http1,
    /// A TLS record: most likely an alert.
    Tls,
    /// Anything else.
    Unknown,
}

impl Opening {
    /// Takes the next bytes; the peer's protocol if it is not HTTP/2, once, when enough bytes have come.
    pub(super) fn on_bytes(&mut self, bytes: &[u8]) -> Option<Foreign> {
        if self.have == LEN || bytes.is_empty() {
            return None;
        }
        for (place, byte) in self.bytes.iter_mut().skip(self.have).zip(bytes) {
            *place = *byte;
            self.have += 1;
        }
        if self.have < LEN { None } else { self.foreign() }
    }

    fn foreign(&self) -> Option<Foreign> {
        match &self.bytes {
            b"HTTP/" => Some(Foreign::Http1),
            // Content types change_cipher_spec to application_data, versions SSL 3.0 to TLS 1.3 (RFC 8446 §5.1).
            [0x14..=0x17, 3, 0..=4, ..] => Some(Foreign::Tls),
            [_, _, _, SETTINGS, 0] => None,
            _ => Some(Foreign::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(bytes: &[u8], chunk: usize) -> Option<Foreign> {
        let mut opening = Opening::default();
        let found: Vec<_> = bytes.chunks(chunk).filter_map(|part| opening.on_bytes(part)).collect();
        assert!(found.len() <= 1, "{found:?}");
        found.first().copied()
    }

    #[test]
    fn protocols_are_told_apart_however_their_bytes_are_cut() {
        for chunk in 1..10 {
            assert_eq!(foreign(b"HTTP/1.0 400 Bad Request", chunk), Some(Foreign::Http1));
            assert_eq!(foreign(&[0x15, 3, 3, 0, 2, 2, 10], chunk), Some(Foreign::Tls));
            assert_eq!(foreign(b"220 mail.example ESMTP", chunk), Some(Foreign::Unknown));
            assert_eq!(foreign(&[0, 0, 8, 6, 0, 0, 0, 0, 0], chunk), Some(Foreign::Unknown), "a PING");
            assert_eq!(foreign(&[0, 0, 0, 4, 1, 0, 0, 0, 0], chunk), Some(Foreign::Unknown), "an ACK");
            assert_eq!(foreign(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3], chunk), None, "SETTINGS");
            assert_eq!(foreign(b"HTT", chunk), None, "too short to tell");
        }
    }
}
