//! Targets: the names that channels are made for (gRPC naming).

mod authority;
mod host_port;
mod percent;
#[cfg(test)]
mod tests;
mod url;

use std::fmt;

pub use authority::authority_of;
pub use host_port::{HostPort, parse_ip_list};

/// The scheme of a target that names none.
const DEFAULT_SCHEME: &str = "dns";

/// A parsed target, `scheme:[//authority/]endpoint`. Displayed, it is the canonical target, always with its scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    scheme: String,
    authority: String,
    // With its leading slash, if it had one: `unix:///a` and `unix:a` are two sockets.
    path: String,
}

/// Why a target cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// There is no text at all.
    #[error("the target is empty")]
    Empty,
    /// It looks like a URI, but no resolver is registered for its scheme.
    #[error("no resolver is registered for the scheme `{scheme}`")]
    UnknownScheme {
        /// The text before the colon.
        scheme: String,
    },
    /// It is a URL, of a scheme that says how to speak, not how to find whom.
    #[error("no resolver is registered for the scheme `{scheme}`: a target is not a URL; write {instead}")]
    Url {
        /// The text before the colon.
        scheme: String,
        /// The target that it most likely stands for.
        instead: String,
    },
    /// The scheme's resolver was left out when the crate was built.
    #[error("the scheme `{scheme}` needs the cargo feature `{feature}`")]
    MissingFeature {
        /// The scheme.
        scheme: String,
        /// The feature that turns it on.
        feature: &'static str,
    },
    /// The scheme takes no authority, but there is one.
    #[error("the scheme `{scheme}` takes no authority, but the target has `{authority}`")]
    UnexpectedAuthority {
        /// The scheme.
        scheme: String,
        /// The text between `//` and the next slash.
        authority: String,
    },
    /// The authority cannot be used.
    #[error("authority `{authority}`: {reason}")]
    Authority {
        /// The text between `//` and the next slash.
        authority: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The endpoint is empty or cannot be used. For resolvers of one's own, too.
    #[error("endpoint `{endpoint}`: {reason}")]
    Endpoint {
        /// The target without scheme and authority.
        endpoint: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A host is neither a DNS name nor an IP address.
    #[error("host `{host}`: {reason}")]
    Host {
        /// The text before the port.
        host: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A port is missing after its colon, or no number from 1 to 65535.
    #[error("port `{port}` of `{host}` is not a number from 1 to 65535")]
    Port {
        /// The text before the colon.
        host: String,
        /// The text after the colon.
        port: String,
    },
    /// An entry of an `ipv4:` or `ipv6:` list is no such address.
    #[error("address `{address}` is not of the form {expected}")]
    Address {
        /// The entry.
        address: String,
        /// The form it should have.
        expected: &'static str,
    },
}

impl Target {
    /// Parses a target as gRPC does: an RFC 3986 URI if its scheme is known, otherwise `dns:///` followed by all of it.
    ///
    /// `is_known_scheme` is asked with the scheme in lower case. A query and a fragment are dropped; percent-encoded
    /// characters are decoded. Whether the endpoint makes sense is for the scheme's resolver to say.
    ///
    /// # Errors
    /// When the text is empty, is wrongly percent-encoded, or names an unknown scheme in a form (`scheme://`) that no
    /// host name can have.
    pub fn parse(text: &str, is_known_scheme: impl Fn(&str) -> bool) -> Result<Self, TargetError> {
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        if let Some((scheme, rest)) = split_scheme(text) {
            if is_known_scheme(&scheme) {
                return Self::from_uri(scheme, rest).ok_or_else(|| TargetError::Endpoint {
                    endpoint: rest.to_owned(),
                    reason: "a `%` must be followed by two hex digits (`%25` is the sign itself)",
                });
            } else if let Some(rest) = rest.strip_prefix("//") {
                // gRPC would look up a host called `scheme://…`; the fault is better named at once.
                return Err(url::unknown_scheme(scheme, rest));
            }
        }
        Ok(Self::of_default_scheme(String::new(), text))
    }

    fn from_uri(scheme: String, rest: &str) -> Option<Self> {
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let (authority, path) = (decode(authority)?, decode(path)?);
        if scheme == DEFAULT_SCHEME {
            let endpoint = path.strip_prefix('/').unwrap_or(&path);
            return Some(Self::of_default_scheme(authority, endpoint));
        }
        Some(Self { scheme, authority, path })
    }

    // `dns:host` and `dns:///host` ask for the same thing: they get one canonical form.
    fn of_default_scheme(authority: String, endpoint: &str) -> Self {
        Self { scheme: DEFAULT_SCHEME.to_owned(), authority, path: format!("/{endpoint}") }
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The authority (for `dns:`, the DNS server), empty when there is none.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What the resolver is asked for, without the leading slash.
    pub fn endpoint(&self) -> &str {
        self.path.strip_prefix('/').unwrap_or(&self.path)
    }

    /// What the resolver is asked for, with the leading slash if the target has one: it matters to `unix:`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The `:authority` of calls when neither the program nor the scheme says otherwise: [`authority_of`] the endpoint.
    pub fn default_authority(&self) -> String {
        authority_of(self.endpoint())
    }

    /// Fails if the target has an authority, for schemes that take none.
    ///
    /// # Errors
    /// [`TargetError::UnexpectedAuthority`].
    pub fn without_authority(&self) -> Result<&Self, TargetError> {
        if self.authority.is_empty() {
            return Ok(self);
        }
        Err(TargetError::UnexpectedAuthority {
            scheme: self.scheme.clone(),
            authority: self.authority.clone(),
        })
    }

    /// The endpoint, if there is one, for schemes that need one.
    ///
    /// # Errors
    /// [`TargetError::Endpoint`].
    pub fn non_empty_endpoint(&self) -> Result<&str, TargetError> {
        match self.endpoint() {
            "" => Err(TargetError::Endpoint { endpoint: String::new(), reason: "it is empty" }),
            endpoint => Ok(endpoint),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = percent::encode(&self.path, percent::PATH);
        if self.authority.is_empty() && !self.path.starts_with('/') {
            return write!(f, "{}:{path}", self.scheme);
        }
        write!(f, "{}://{}{path}", self.scheme, percent::encode(&self.authority, percent::AUTHORITY))
    }
}

/// Percent-decodes. The zone of an IPv6 address may stand there as people write it: `[fe80::1%2]` for `[fe80::1%252]`.
fn decode(text: &str) -> Option<String> {
    let is_written = |address: &str| address.parse::<std::net::Ipv6Addr>().is_ok();
    let before_zone = text.split_once('[').and_then(|(_, rest)| rest.split_once('%'));
    let literal = || before_zone.filter(|(address, _)| is_written(address)).map(|_| text.to_owned());
    percent::decode(text).or_else(literal)
}

/// The scheme in lower case and what follows its colon, if the text begins as RFC 3986 demands.
fn split_scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_scheme.then(|| (scheme.to_ascii_lowercase(), rest))
}
