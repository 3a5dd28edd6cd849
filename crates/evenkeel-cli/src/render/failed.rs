//! What the first failed call of each code and pod said.

use std::collections::BTreeMap;
use std::fmt::Write;

use evenkeel_load::{Failures, Summary};

use super::columns::clipped;
use super::resolve::wrap;
use super::table::Style;

/// What stands before a message.
const INDENT: usize = 6;

/// How many lines it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// One for each, at most so many.
    Lines(usize),
    /// As many as there are words.
    Enough,
}

/// The failed calls by pod and code, the most frequent first; nothing when none has failed.
pub(super) fn section(summary: &Summary, room: Room, width: Option<usize>, style: Style) -> String {
    let mut all = entries(summary);
    if all.is_empty() || room == Room::Lines(0) {
        return String::new();
    }
    all.sort_by_key(|(_, _, count, _)| std::cmp::Reverse(*count));
    let heading = clipped("failed, and what the first of each said", width);
    let mut out = format!("\n{}\n", style.bold(&heading));
    for (who, code, count, message) in &all {
        let name = format!("  {who}  {code} {count}");
        match room {
            Room::Lines(_) => {
                let _ = writeln!(out, "{}", clipped(&format!("{name}  {message}"), width));
            }
            Room::Enough => {
                let _ = writeln!(out, "{}", clipped(&name, width));
                let lines = width.map_or_else(
                    || vec![(*message).to_owned()],
                    |width| wrap(message, width.saturating_sub(INDENT).max(1)),
                );
                for line in lines.iter().filter(|line| !line.is_empty()) {
                    let _ = writeln!(out, "{:INDENT$}{line}", "");
                }
            }
        }
    }
    match room {
        // The blank line and the heading stand above them.
        Room::Lines(most) => out.lines().take(most + 2).map(|line| format!("{line}\n")).collect(),
        Room::Enough => out,
    }
}

/// How many entries there are.
pub(super) fn count(summary: &Summary) -> usize {
    entries(summary).len()
}

type Entry<'a> = (String, &'static str, u64, &'a str);

fn entries(summary: &Summary) -> Vec<Entry<'_>> {
    let pods = summary.endpoints.iter().map(|endpoint| {
        let pod = &endpoint.pod;
        let who =
            if pod.name == pod.address { pod.name.clone() } else { format!("{} {}", pod.name, pod.address) };
        (who, &endpoint.failed)
    });
    let all = pods.chain([("no pod".to_owned(), &summary.no_pod)]);
    all.flat_map(|(who, failures)| by_code(who, failures)).collect()
}

fn by_code(who: String, failures: &Failures) -> impl Iterator<Item = Entry<'_>> {
    let counts: &BTreeMap<&'static str, u64> = &failures.counts;
    counts.iter().map(move |(code, count)| (who.clone(), *code, *count, failures.message(code)))
}

#[cfg(test)]
mod tests {
    use super::{Room, Style, section};
    use crate::render::samples;

    const PLAIN: Style = Style { colour: false };

    #[test]
    fn the_first_message_of_each_code_and_pod() {
        let expected = "
failed, and what the first of each said
  school-1 127.0.9.1:50051  NOT_FOUND 1
      no school 7
  no pod  UNAVAILABLE 1
      no endpoint is READY: connection refused
";
        assert_eq!(section(&samples::summary(), Room::Enough, None, PLAIN), expected);
        assert_eq!(section(&samples::empty_summary(), Room::Enough, None, PLAIN), "");
    }

    #[test]
    fn where_there_is_little_room() {
        let narrow = section(&samples::summary(), Room::Enough, Some(30), PLAIN);
        assert!(narrow.contains("      no endpoint is READY:\n      connection refused\n"), "{narrow}");
        let low = section(&samples::summary(), Room::Lines(1), Some(43), PLAIN);
        let expected =
            "\nfailed, and what the first of each said\n  school-1 127.0.9.1:50051  NOT_FOUND 1  n…\n";
        assert_eq!(low, expected);
    }
}
