//! Why a lookup found nothing, in words.

use std::fmt;
use std::net::SocketAddr;

use evenkeel_core::resolve::Family;

use super::query::QueryError;
use super::system::Settings;

/// A walk through a search list puts many questions; the first faults tell the story.
const MOST: usize = 6;

/// Why a lookup learnt nothing.
#[derive(Debug)]
pub(super) struct LookupError {
    pub(super) errors: Vec<QueryError>,
    /// Names whose answers contradict themselves.
    pub(super) contradicted: Vec<String>,
    /// Questions that are not answered though the other one of their name is.
    pub(super) unanswered: Vec<(String, Family)>,
    pub(super) note: Option<String>,
}

/// Why a name counts as absent.
pub(super) fn absence(host: &str, names: &[String], settings: &Settings) -> String {
    let servers: Vec<_> = settings.servers.iter().map(SocketAddr::to_string).collect();
    let note = settings.note.as_deref().map(|note| format!("; {note}")).unwrap_or_default();
    format!(
        "{host} does not exist or has no address (asked {} for the A and AAAA records of {}{note})",
        servers.join(", "),
        names.join(", ")
    )
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.errors.iter().map(ToString::to_string);
        let contradicted = self.contradicted.iter().map(|name| {
            format!("{name} does not exist by the answer for one record type, but had records of the other just now")
        });
        let unanswered = self.unanswered.iter();
        let unanswered =
            unanswered.map(|(name, family)| format!("the {family} records of {name} are not answered"));
        let all: Vec<String> = errors.chain(contradicted).chain(unanswered).collect();
        let more = all.len().saturating_sub(MOST);
        f.write_str(&all[..all.len() - more].join("; "))?;
        if more > 0 {
            write!(f, "; and {more} more")?;
        }
        match &self.note {
            Some(note) => write!(f, " ({note})"),
            None => Ok(()),
        }
    }
}
