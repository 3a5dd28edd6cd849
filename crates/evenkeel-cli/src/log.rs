//! Logs, and what they show: EVENKEEL_LOG, else RUST_LOG, else what the subcommand shows unless told otherwise.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use evenkeel_load::printable;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::render::{LogWriter, Screen};

/// The variables, the first one that is set decides.
const VARIABLES: [&str; 2] = ["EVENKEEL_LOG", "RUST_LOG"];

/// The first part of the targets that there can be: the crates of this program that log.
const TARGETS: [&str; 16] = [
    "evenkeel",
    "evenkeel_core",
    "evenkeel_demo",
    "evenkeel_load",
    "h2",
    "hickory_net",
    "hickory_proto",
    "hickory_resolver",
    "mio",
    "rustls",
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "tonic",
    "tower",
    "tracing",
];

/// Logs go to stderr past the table that may stand there; what is wrong with the variables is said there too.
pub(crate) fn to(screen: &Arc<Screen>, colour: bool, unless_told: &str) {
    let variables = VARIABLES.map(|name| (name, std::env::var_os(name)));
    let (text, complaints) = choose(variables, unless_told);
    for complaint in complaints {
        screen.line(&format!("evenkeel: {complaint}"));
    }
    let writer = Arc::clone(screen);
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(text))
        .with_ansi(colour)
        .with_writer(move || LogWriter::new(Arc::clone(&writer)))
        .init();
}

/// The filter, and what was wrong with those that came before it.
fn choose(variables: [(&'static str, Option<OsString>); 2], unless_told: &str) -> (String, Vec<String>) {
    let set = variables.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let mut set = set.filter(|(_, value)| !value.is_empty()).peekable();
    let mut complaints = Vec::new();
    while let Some((name, value)) = set.next() {
        let problem = match filter(&value) {
            Ok(text) => return (text, complaints),
            Err(problem) => problem,
        };
        let instead = set.peek().map_or(unless_told, |(name, _)| name);
        let value = printable(&value.to_string_lossy());
        complaints.push(format!("{name}=`{value}` is not used, {instead} is: {problem}"));
    }
    (unless_told.to_owned(), complaints)
}

fn filter(value: &OsStr) -> Result<String, String> {
    let text = value.to_str().ok_or("it is not UTF-8")?;
    EnvFilter::builder().parse(text).map_err(|error| printable(&error.to_string()))?;
    for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        // A span's fields may hold commas; whoever writes those knows the syntax.
        if directive.contains(['[', ']', '{', '}', '"']) {
            break;
        }
        let (target, has_level) = match directive.split_once('=') {
            Some((target, _)) => (target, true),
            None => (directive, false),
        };
        if directive.ends_with('=') {
            return Err(format!("`{directive}` names no level"));
        }
        let first = target.split("::").next().unwrap_or_default();
        let is_level = !has_level && target.parse::<LevelFilter>().is_ok();
        // A word that is neither is taken for a target by the filter, and so nothing is ever logged.
        if !is_level && !TARGETS.contains(&first) {
            return Err(format!(
                "`{target}` is no level (off, error, warn, info, debug, trace) and no part of this program that logs \
                 (such as evenkeel, h2, rustls)"
            ));
        }
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::{OsString, choose};

    fn of(evenkeel: Option<&str>, rust: Option<&str>) -> (String, Vec<String>) {
        let [evenkeel, rust] = [evenkeel, rust].map(|value| value.map(OsString::from));
        choose([("EVENKEEL_LOG", evenkeel), ("RUST_LOG", rust)], "warn")
    }

    #[test]
    fn good_ones_are_taken_without_a_word() {
        for text in [
            "debug",
            "INFO",
            "off",
            "0",
            "evenkeel=debug",
            "evenkeel_load=trace,h2=info,warn",
            "evenkeel",
            "h2[x{a=1}]=info",
        ] {
            assert_eq!(of(Some(text), Some("trace")), (text.to_owned(), Vec::new()));
            assert_eq!(of(None, Some(text)), (text.to_owned(), Vec::new()));
        }
        assert_eq!(of(Some(""), None), ("warn".to_owned(), Vec::new()), "empty is not set");
    }

    #[test]
    fn bad_ones_are_told() {
        for text in
            ["verbose", "debgu", "evenkeel=verbose", "evenkel=debug", "warn,evenkeel=", "a=b=c", "=debug"]
        {
            let (filter, complaints) = of(Some(text), None);
            assert_eq!((filter.as_str(), complaints.len()), ("warn", 1), "{text}: {complaints:?}");
            assert!(complaints[0].starts_with(&format!("EVENKEEL_LOG=`{text}` is not used, warn is: ")));
        }
        let (filter, complaints) = of(Some("verbose"), Some("info"));
        assert_eq!((filter.as_str(), complaints.len()), ("info", 1));
        assert!(complaints[0].contains("is not used, RUST_LOG is"), "{complaints:?}");
        assert_eq!(of(Some("verbose"), Some("loud")).1.len(), 2);
        let raw = OsString::from_vec(vec![0xff, 0x1b]);
        let (_, complaints) = choose([("EVENKEEL_LOG", Some(raw)), ("RUST_LOG", None)], "warn");
        assert!(complaints[0].contains("UTF-8") && !complaints[0].contains('\x1b'), "{complaints:?}");
    }
}
