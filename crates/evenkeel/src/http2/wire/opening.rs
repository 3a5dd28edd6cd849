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

/// What a peer speaks that does not begin as HTTP/2 demands: a server with SETTINGS, a client with the preface
/// (RFC 9113 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// HTTP/1: a response, or a request.
    Http1,
    /// A TLS record: most likely an alert, or a ClientHello.
    Tls,
    /// Anything else.
    Unknown,
}

impl Foreign {
    /// What is wrong with a client that speaks this.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Http1 => "the client speaks HTTP/1, not HTTP/2",
            Self::Tls => "the client speaks TLS, and this server does not",
            Self::Unknown => "the client does not speak HTTP/2",
        }
    }
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

/// What every client of HTTP/2 sends first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// As much of a first line as tells a request from garbage: the longest registered method and a bit.
const LINE: usize = 32;

/// Keeps what a client sends in place of the preface, until it is clear what that is.
#[derive(Debug, Default)]
pub(super) struct PrefaceCheck {
    seen: Vec<u8>,
    judged: bool,
}

impl PrefaceCheck {
    /// Takes the next bytes; what the client speaks if it is not HTTP/2, once.
    ///
    /// It does not wait for all 24 bytes: an HTTP/1 request may be shorter than that, and its client waits for us.
    pub(super) fn on_bytes(&mut self, bytes: &[u8]) -> Option<Foreign> {
        if self.judged {
            return None;
        }
        let room = LINE.saturating_sub(self.seen.len());
        self.seen.extend(bytes.iter().take(room));
        if PREFACE.starts_with(&self.seen) {
            return None;
        }
        if self.seen.starts_with(PREFACE) {
            self.judged = true;
            return None;
        }
        let foreign = match self.seen.as_slice() {
            [0x16, 3, ..] => Foreign::Tls,
            [0x16] => return None,
            line => match line.iter().position(|byte| !byte.is_ascii_uppercase()) {
                Some(at) if at > 0 && line.get(at) == Some(&b' ') => Foreign::Http1,
                None if line.len() < LINE => return None,
                _ => Foreign::Unknown,
            },
        };
        self.judged = true;
        Some(foreign)
    }

    /// Whether the client does not speak HTTP/2, and it is not known yet what it speaks.
    pub(super) fn is_in_doubt(&self) -> bool {
        !self.judged && !PREFACE.starts_with(&self.seen)
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
    fn a_client_that_speaks_something_else_is_known_from_its_first_bytes() {
        let judge = |bytes: &[u8], chunk: usize| {
            let mut check = PrefaceCheck::default();
            let found: Vec<_> = bytes.chunks(chunk).filter_map(|part| check.on_bytes(part)).collect();
            assert!(found.len() <= 1, "{found:?}");
            found.first().copied()
        };
        for chunk in 1..40 {
            assert_eq!(judge(b"GET / HTTP/1.1\r\n\r\n", chunk), Some(Foreign::Http1));
            assert_eq!(judge(b"POST /a.B/C HTTP/1.1\r\nhost: a\r\n", chunk), Some(Foreign::Http1));
            assert_eq!(judge(b"PRI * HTTP/1.1\r\n\r\n", chunk), Some(Foreign::Http1));
            assert_eq!(judge(&[0x16, 3, 1, 2, 0, 1], chunk), Some(Foreign::Tls));
            assert_eq!(judge(&[0xff; 64], chunk), Some(Foreign::Unknown));
            assert_eq!(judge(&[0; 64], chunk), Some(Foreign::Unknown));
            assert_eq!(judge(&[b'A'; 64], chunk), Some(Foreign::Unknown));
            let good = [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
            assert_eq!(judge(&good, chunk), None);
            assert_eq!(judge(b"PRI * HT", chunk), None, "not whole yet");
        }
    }

    #[test]
    fn what_is_no_preface_is_in_doubt_until_it_is_known() {
        for (bytes, is_in_doubt) in [
            (&b""[..], false),
            (b"P", false),
            (b"PO", true),
            (b"POST", true),
            (b"POST ", false),
            (&[0x16], true),
            (PREFACE, false),
        ] {
            let mut check = PrefaceCheck::default();
            check.on_bytes(bytes);
            assert_eq!(check.is_in_doubt(), is_in_doubt, "{bytes:?}");
        }
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
