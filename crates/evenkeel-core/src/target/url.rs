//! URLs where a target is wanted: what to write instead.

use super::{HostPort, TargetError};

/// Schemes that people write in front of a host and a port, and the port of those that have one of their own.
const SCHEMES: [(&str, &str, bool); 9] = [
    ("http", ":80", false),
    ("https", ":443", true),
    ("grpc", "", false),
    ("grpcs", "", true),
    ("h2", "", true),
    ("h2c", "", false),
    ("tcp", "", false),
    ("tls", "", true),
    ("ssl", "", true),
];

/// The error for a target that begins with `scheme://`, which nobody has registered; `rest` follows the slashes.
pub(super) fn unknown_scheme(scheme: String, rest: &str) -> TargetError {
    let Some((_, port, has_tls)) = SCHEMES.iter().find(|(known, ..)| *known == scheme) else {
        return TargetError::UnknownScheme { scheme };
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    // A port that stands there is told from none by what the default would be.
    let ports = [1, 2].map(|default| HostPort::parse(authority, default).ok());
    let instead = match ports {
        [Some(one), Some(other)] if one == other => format!("dns:///{authority}"),
        [Some(_), Some(_)] => format!("dns:///{authority}{port}"),
        _ => "dns:///host:port".to_owned(),
    };
    let tls = if *has_tls { " and turn TLS on in the channel's builder" } else { "" };
    TargetError::Url { scheme, instead: format!("`{instead}`{tls}") }
}
