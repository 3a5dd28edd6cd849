//! What a failed TLS connection means: whose fault it is, and what to do.

use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription as Alert, CertificateError, Error};

pub(super) const NO_ALPN: &str =
    "the server speaks TLS, but did not agree to HTTP/2 (ALPN h2), which gRPC needs";

/// What there is to know about the channel's side of the handshake.
#[derive(Debug)]
pub(super) struct Explainer {
    pub(super) server_name: String,
    pub(super) has_identity: bool,
}

impl Explainer {
    /// A handshake's error, in an operator's words.
    pub(super) fn handshake(&self, error: io::Error) -> io::Error {
        let lost = match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => "closed",
            io::ErrorKind::ConnectionReset => "reset",
            _ => return self.stream(error),
        };
        let text = format!("the server {lost} the connection in the TLS handshake; does it speak TLS there?");
        io::Error::new(error.kind(), text)
    }

    /// A later error. Those of the socket below stay what they are.
    pub(super) fn stream(&self, error: io::Error) -> io::Error {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(tls) => io::Error::new(error.kind(), self.describe(tls)),
            None => error,
        }
    }

    fn describe(&self, error: &Error) -> String {
        match error {
            Error::InvalidCertificate(error) => self.describe_certificate(error),
            Error::AlertReceived(alert) => self.describe_alert(*alert),
            Error::InvalidMessage(_) => {
                "the server does not speak TLS there: what it answered is not TLS, plain text perhaps".into()
            }
            Error::PeerIncompatible(_) => no_common_ground(error),
            Error::NoApplicationProtocol => NO_ALPN.into(),
            other => format!("TLS with the server failed: {other}"),
        }
    }

    fn describe_certificate(&self, error: &CertificateError) -> String {
        let expected = &self.server_name;
        match error {
            CertificateError::UnknownIssuer => {
                "the server's certificate comes from a CA that this channel does not trust; if it should, add the CA \
                 to the roots"
                    .into()
            }
            CertificateError::BadSignature => {
                "the server's certificate comes from another CA than the one of the same name that this channel \
                 trusts; if that CA has a new key, add its new certificate to the roots"
                    .into()
            }
            CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                let names: Vec<&str> = presented.iter().map(|name| bare_name(name)).collect();
                format!(
                    "the server's certificate is for {}, not for `{expected}`; if that is the right server, set the \
                     authority or the server name",
                    names.join(", ")
                )
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("the server's certificate is not for `{expected}` (it carries no subject alternative name)")
            }
            CertificateError::ExpiredContext { time, not_after } => {
                format!("the server's certificate expired {} ago: the server needs a new one", span(*not_after, *time))
            }
            CertificateError::NotValidYetContext { time, not_before } => format!(
                "the server's certificate is not valid before {} from now; is one of the clocks wrong?",
                span(*time, *not_before)
            ),
            other => format!("the server's certificate cannot be accepted: {other}"),
        }
    }

    fn describe_alert(&self, alert: Alert) -> String {
        match alert {
            Alert::CertificateRequired if !self.has_identity => {
                "the server wants a client certificate, and this channel has none".into()
            }
            Alert::UnknownCA if self.has_identity => {
                "the server does not trust the CA of this channel's client certificate".into()
            }
            Alert::BadCertificate
            | Alert::CertificateExpired
            | Alert::CertificateRequired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate
            | Alert::AccessDenied
            | Alert::DecryptError
                if self.has_identity =>
            {
                format!("the server refused this channel's client certificate ({alert:?})")
            }
            Alert::BadCertificate | Alert::HandshakeFailure if !self.has_identity => format!(
                "the server refused the TLS handshake ({alert:?}); it may want a client certificate, and this channel \
                 has none"
            ),
            Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => {
                no_common_ground(&Error::AlertReceived(alert))
            }
            Alert::NoApplicationProtocol => NO_ALPN.into(),
            Alert::UnrecognisedName => format!("the server has no certificate for `{}`", self.server_name),
            other => format!("the server ended the TLS connection ({other:?})"),
        }
    }
}

fn no_common_ground(error: &Error) -> String {
    format!("the server and this channel have no TLS version and cipher in common ({error})")
}

/// rustls writes `DnsName("a.example")`.
fn bare_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

fn span(from: UnixTime, to: UnixTime) -> String {
    match to.as_secs().saturating_sub(from.as_secs()) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(error: Error, has_identity: bool) -> String {
        let explainer = Explainer { server_name: "pod.test".to_owned(), has_identity };
        explainer.handshake(io::Error::new(io::ErrorKind::InvalidData, error)).to_string()
    }

    #[test]
    fn alerts_name_the_side_at_fault() {
        let cases = [
            (Alert::CertificateRequired, false, "this channel has none"),
            (
                Alert::CertificateRequired,
                true,
                "refused this channel's client certificate (CertificateRequired)",
            ),
            (Alert::BadCertificate, false, "it may want a client certificate"),
            (Alert::BadCertificate, true, "refused this channel's client certificate (BadCertificate)"),
            (Alert::HandshakeFailure, false, "it may want a client certificate"),
            (Alert::HandshakeFailure, true, "no TLS version and cipher in common"),
            (Alert::ProtocolVersion, false, "no TLS version and cipher in common"),
            (Alert::UnknownCA, true, "the server does not trust the CA"),
            (Alert::UnknownCA, false, "the server ended the TLS connection (UnknownCA)"),
            (Alert::NoApplicationProtocol, false, NO_ALPN),
            (Alert::UnrecognisedName, false, "no certificate for `pod.test`"),
            (Alert::InternalError, true, "the server ended the TLS connection (InternalError)"),
        ];
        for (alert, has_identity, expected) in cases {
            let text = say(Error::AlertReceived(alert), has_identity);
            assert!(text.contains(expected), "{alert:?}, {has_identity}: {text}");
        }
    }

    #[test]
    fn certificates_without_a_usable_name() {
        let error = CertificateError::NotValidForName;
        let text = say(Error::InvalidCertificate(error), false);
        assert!(text.contains("is not for `pod.test` (it carries no subject alternative name)"), "{text}");
    }

    #[test]
    fn lost_sockets_are_told_apart_from_errors_of_tls() {
        let explainer = Explainer { server_name: "pod.test".to_owned(), has_identity: false };
        let reset = explainer.handshake(io::ErrorKind::ConnectionReset.into());
        assert!(reset.to_string().contains("reset the connection in the TLS handshake"), "{reset}");
        let later = explainer.stream(io::ErrorKind::ConnectionReset.into());
        assert_eq!((later.kind(), later.get_ref().is_none()), (io::ErrorKind::ConnectionReset, true));
    }

    #[test]
    fn spans_are_read_at_a_glance() {
        let time = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let cases = [(5, "5 s"), (600, "10 min"), (36_000, "10 h"), (864_000, "10 days")];
        for (seconds, expected) in cases {
            assert_eq!(span(time(7), time(7 + seconds)), expected);
        }
        assert_eq!(span(time(7), time(0)), "0 s");
    }
}
