//! Answers for tests.

use std::net::SocketAddr;
use std::time::Duration;

use evenkeel::event::{DnsAnswer, DnsQuery};

use super::{Found, Outcome};

pub(crate) fn sticky() -> Found {
    found("dns:///school-internal:50051", &["10.96.0.12:50051"], 5)
}

pub(crate) fn headless() -> Found {
    let addresses = ["10.244.0.5:50051", "10.244.0.6:50051", "10.244.0.7:50051"];
    found("dns:///school-internal-headless:50051", &addresses, 5)
}

pub(crate) fn absent() -> Found {
    let questions = vec![question("nobody.", None)];
    let outcome = Outcome::Absent("nobody does not exist".to_owned());
    Found { target: "nobody:1".to_owned(), outcome, next: Some(Duration::from_millis(1040)), questions }
}

pub(crate) fn failed() -> Found {
    let outcome = Outcome::Failed("a. from 10.96.0.10:53: ServFail".to_owned());
    Found { target: "a:1".to_owned(), outcome, next: Some(Duration::from_secs(1)), questions: Vec::new() }
}

/// An answer of one question.
pub(crate) fn found(target: &str, endpoints: &[&str], ttl: u64) -> Found {
    let addresses = endpoints.iter().map(|text| text.parse::<SocketAddr>().expect("an address"));
    let name = target.trim_start_matches("dns:///").split(':').next().unwrap_or_default();
    let questions = vec![question(&format!("{name}."), Some((addresses.collect(), ttl)))];
    let outcome = Outcome::Endpoints(endpoints.iter().map(|text| (*text).to_owned()).collect());
    Found { target: target.to_owned(), outcome, next: Some(Duration::from_millis(5300)), questions }
}

pub(crate) fn question(name: &str, found: Option<(Vec<SocketAddr>, u64)>) -> DnsQuery {
    let answer = match found {
        Some((addresses, ttl)) => {
            DnsAnswer::addresses(addresses.iter().map(SocketAddr::ip), Duration::from_secs(ttl))
        }
        None => DnsAnswer::NxDomain,
    };
    DnsQuery::new(name, "A", SocketAddr::from(([10, 96, 0, 10], 53)), answer)
}
