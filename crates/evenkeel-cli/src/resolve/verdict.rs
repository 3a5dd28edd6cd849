//! What an answer means for the calls of a channel, in words.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use evenkeel::event::{DnsAnswer, DnsQuery, DnsTransport};

use super::lookup::{Found, Outcome};

/// A TTL above this is told: so long a new pod may go unseen.
const LONG_TTL: Duration = Duration::from_secs(10);

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// A word that programs can compare.
    pub(crate) id: &'static str,
    /// The main thing first.
    pub(crate) sentences: Vec<String>,
}

/// What `found` means.
pub(crate) fn verdict(found: &Found) -> Verdict {
    let (id, first) = match &found.outcome {
        Outcome::Asking => return Verdict { id: "asking", sentences: Vec::new() },
        Outcome::Failed(_) => (
            "failed",
            "nobody could be asked, or the answer was an error: a channel keeps the endpoints that it knows, and one \
             that knows none fails its calls"
                .to_owned(),
        ),
        Outcome::Absent(_) => (
            "absent",
            "no address: there is no such Service, or it is headless and no pod of it is ready; DNS answers the same \
             for both"
                .to_owned(),
        ),
        Outcome::Endpoints(endpoints) if is_single(endpoints) && endpoints.iter().all(|one| is_here(one)) => {
            ("local", "one address, of this host: all calls go to what listens there".to_owned())
        }
        Outcome::Endpoints(endpoints) if is_single(endpoints) => (
            "single",
            "one address: if it is that of a ClusterIP Service, all calls of a channel stick to one pod; name a \
             headless Service (clusterIP: None) instead"
                .to_owned(),
        ),
        Outcome::Endpoints(endpoints) => {
            ("several", format!("{} addresses: calls go to each in turn", endpoints.len()))
        }
    };
    let notes = [families(found), ttl(found), search(found), tcp(found)];
    Verdict { id, sentences: [first].into_iter().chain(notes.into_iter().flatten()).collect() }
}

/// What several targets say when they are held against each other.
pub(crate) fn compare(found: &[Found]) -> Option<String> {
    let with = |id: &str| found.iter().find(|found| verdict(found).id == id).map(|found| &found.target);
    let (one, several) = (with("single")?, with("several")?);
    Some(format!("calls to {one} stick to one connection, calls to {several} are spread"))
}

/// One address, or one of each family, which is one Service's.
fn is_single(endpoints: &[String]) -> bool {
    let v6 = endpoints.iter().filter(|endpoint| endpoint.starts_with('[')).count();
    v6 <= 1 && endpoints.len() - v6 <= 1
}

/// A Unix socket or a loopback address: of this host, and so no Service's.
fn is_here(endpoint: &str) -> bool {
    if endpoint.starts_with("unix") {
        return true;
    }
    match endpoint.parse::<SocketAddr>() {
        Ok(address) => address.ip().to_canonical().is_loopback(),
        // A name that is resolved when it is connected to.
        Err(_) => endpoint.rsplit_once(':').is_some_and(|(host, _)| {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }),
    }
}

fn families(found: &Found) -> Option<String> {
    let Outcome::Endpoints(endpoints) = &found.outcome else { return None };
    let v6 = endpoints.iter().filter(|endpoint| endpoint.starts_with('[')).count();
    let v4 = endpoints.len() - v6;
    let both = !found.questions.is_empty() && v4 > 1 && v6 > 1;
    both.then(|| {
        format!(
            "{v4} IPv4 and {v6} IPv6 addresses: DNS does not say which two are one pod's, so a dual-stack pod counts twice"
        )
    })
}

fn ttl(found: &Found) -> Option<String> {
    let ttl = found.ttl().filter(|ttl| *ttl > LONG_TTL)?;
    Some(format!("TTL {} s: a new pod may go unseen for as long", ttl.as_secs()))
}

/// Names of the search list that were asked for in vain.
fn search(found: &Found) -> Option<String> {
    let Outcome::Endpoints(_) = found.outcome else { return None };
    let with_answer = |query: &&DnsQuery| matches!(query.answer, DnsAnswer::Addresses { .. });
    let winner = &found.questions.iter().find(with_answer)?.name;
    let vain: BTreeSet<_> =
        found.questions.iter().map(|query| &query.name).filter(|name| *name != winner).collect();
    let noun = if vain.len() == 1 { "name" } else { "names" };
    (!vain.is_empty()).then(|| {
        format!(
            "{} {noun} of the search list asked first: {winner} in full, with its final dot, saves that",
            vain.len()
        )
    })
}

fn tcp(found: &Found) -> Option<String> {
    let over_tcp = |query: &DnsQuery| query.transport == DnsTransport::Tcp;
    found.questions.iter().any(over_tcp).then(|| {
        "too much for a datagram: network policies must let TCP port 53 to DNS through, not only UDP"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{absent, failed, found, headless, question, sticky};
    use super::{DnsTransport, compare, verdict};

    #[test]
    fn every_answer_has_its_word() {
        for (found, id) in
            [(sticky(), "single"), (headless(), "several"), (absent(), "absent"), (failed(), "failed")]
        {
            assert_eq!(verdict(&found).id, id);
        }
        assert!(verdict(&sticky()).sentences[0].contains("stick to one pod"));
        assert_eq!(verdict(&headless()).sentences, ["3 addresses: calls go to each in turn"]);
    }

    #[test]
    fn what_is_on_this_host_is_no_service() {
        for endpoint in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            let verdict = verdict(&found("a:1", &[endpoint], 5));
            assert_eq!((verdict.id, verdict.sentences.len()), ("local", 1), "{endpoint}");
            assert!(!verdict.sentences[0].contains("ClusterIP"), "{endpoint}");
        }
        for endpoint in
            ["unix:/run/a.sock", "unix:a.sock", "unix-abstract:a", "localhost:1", "a.localhost.:1"]
        {
            let mut here = found("a:1", &[], 5);
            here.outcome = super::Outcome::Endpoints(vec![endpoint.to_owned()]);
            assert_eq!(verdict(&here).id, "local", "{endpoint}");
        }
        assert_eq!(verdict(&found("a:1", &["127.0.0.1:1", "[::1]:1"], 5)).id, "local");
        assert_eq!(verdict(&found("a:1", &["127.0.0.1:1", "127.0.0.2:1"], 5)).id, "several");
        assert_eq!(verdict(&found("a:1", &["10.0.0.1:1", "[::1]:1"], 5)).id, "single");
        assert_eq!(compare(&[found("a:1", &["127.0.0.1:1"], 5), headless()]), None);
    }

    #[test]
    fn one_address_of_each_family_is_one_services() {
        assert_eq!(verdict(&found("a:1", &["10.0.0.1:1", "[fd00::1]:1"], 5)).id, "single");
        let two = found("a:1", &["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1", "[fd00::2]:1"], 5);
        let verdict = verdict(&two);
        assert_eq!(verdict.id, "several");
        assert!(verdict.sentences[1].starts_with("2 IPv4 and 2 IPv6"), "{verdict:?}");
    }

    #[test]
    fn what_costs_time_or_breaks_later_is_noted() {
        let mut slow = found("a:1", &["10.0.0.1:1", "10.0.0.2:1"], 30);
        slow.questions.insert(0, question("a.default.svc.", None));
        slow.questions[1].transport = DnsTransport::Tcp;
        let sentences = verdict(&slow).sentences;
        assert_eq!(sentences.len(), 4, "{sentences:?}");
        assert!(sentences[1].starts_with("TTL 30 s"));
        assert!(sentences[2].starts_with("1 name of the search list"));
        assert!(sentences[3].contains("TCP port 53"));
    }

    #[test]
    fn a_sticky_name_beside_one_that_spreads() {
        let words = compare(&[sticky(), headless()]).unwrap();
        assert_eq!(
            words,
            "calls to dns:///school-internal:50051 stick to one connection, calls to \
             dns:///school-internal-headless:50051 are spread"
        );
        assert_eq!(compare(&[headless(), headless()]), None);
        assert_eq!(compare(&[sticky(), absent()]), None);
    }
}
