use super::{Style, change_json, change_line, documents, line, table, wrap};
use crate::resolve::samples::{absent, failed, headless, sticky};
use crate::resolve::{Change, Changes, Kind};

const PLAIN: Style = Style { colour: false };

#[test]
fn the_two_names_of_one_service_side_by_side() {
    let expected = r#"
              dns:///school-internal:50051                         dns:///school-internal-headless:50051
endpoints     1                                                    3
              10.96.0.12:50051                                     10.244.0.5:50051
                                                                   10.244.0.6:50051
                                                                   10.244.0.7:50051
TTL           5 s remaining                                        5 s remaining
next lookup   in 5.3 s                                             in 5.3 s
verdict       one address: if it is that of a ClusterIP Service,   3 addresses: calls go to each in turn
              all calls of a channel stick to one pod; name a
              headless Service (clusterIP: None) instead

calls to dns:///school-internal:50051 stick to one connection, calls to dns:///school-internal-headless:50051 are spread

questions for dns:///school-internal:50051
NAME              TYPE  SERVER         OVER   BYTES    TIME MS  ANSWER
school-internal.  A     10.96.0.10:53  UDP        -       0.00  1 address, TTL 5 s

questions for dns:///school-internal-headless:50051
NAME                       TYPE  SERVER         OVER   BYTES    TIME MS  ANSWER
school-internal-headless.  A     10.96.0.10:53  UDP        -       0.00  3 addresses, TTL 5 s
"#;
    assert_eq!(format!("\n{}", table(&[sticky(), headless()], None, PLAIN)), expected);
}

#[test]
fn below_each_other_where_there_is_no_room() {
    let text = table(&[sticky(), headless()], Some(70), PLAIN);
    assert!(text.lines().all(|line| line.chars().count() <= 70), "{text}");
    let first = text.find("dns:///school-internal:50051").unwrap();
    let verdict = text.find("verdict").unwrap();
    assert!(first < verdict && verdict < text.find("dns:///school-internal-headless").unwrap(), "{text}");
}

#[test]
fn no_line_is_longer_than_the_terminal() {
    let mut asking = failed();
    asking.outcome = crate::resolve::Outcome::Asking;
    for width in [20, 40, 60, 80] {
        let text = table(&[sticky(), headless(), absent(), asking.clone()], Some(width), PLAIN);
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
    }
}

#[test]
fn a_table_that_fills() {
    let mut asking = headless();
    (asking.outcome, asking.next) = (crate::resolve::Outcome::Asking, None);
    let text = table(&[sticky(), asking], None, PLAIN);
    assert!(text.contains("10.96.0.12:50051") && text.contains("asking…"), "{text}");
    assert!(text.contains("questions for dns:///school-internal-headless:50051"), "{text}");
    assert!(!text.contains("final"), "{text}");
}

#[test]
fn why_there_is_none() {
    let text = table(&[absent(), failed()], None, PLAIN);
    assert!(
        text.contains("none") && text.contains("nobody does not exist") && text.contains("ServFail"),
        "{text}"
    );
    assert!(text.contains("NXDOMAIN"), "{text}");
}

#[test]
fn for_programs() {
    let text = documents(&[sticky(), headless()]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema_version"], 1);
    assert_eq!(value["targets"][0]["verdict"], "single");
    assert_eq!(value["targets"][1]["endpoints"].as_array().map(Vec::len), Some(3));
    assert_eq!(value["targets"][1]["queries"][0]["addresses"][2], "10.244.0.7");
    assert!(value["comparison"].as_str().is_some_and(|words| words.contains("stick")));
    let one = line(&failed());
    assert!(one.ends_with("}\n") && one.lines().count() == 1, "{one}");
    let value: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&value["verdict"], &value["ttl_s"]), (&"failed".into(), &serde_json::Value::Null));
    assert_eq!(value["reason"], "a. from 10.96.0.10:53: ServFail");
}

#[test]
fn changes_in_lines() {
    let changes = Changes::default().on_found(&sticky());
    let expected = "T  + 10.96.0.12:50051  TTL 5 s  next lookup in 5.3 s\n";
    assert_eq!(change_line("T", &changes[0], false), expected);
    assert!(change_line("T", &changes[0], true).starts_with("T  dns:///school-internal:50051  + "));
    let gone = Change { kind: Kind::Removed("a:1".into()), ttl: None, next: None, ..changes[0].clone() };
    assert_eq!(change_line("T", &gone, false), "T  - a:1\n");
    let value: serde_json::Value = serde_json::from_str(&change_json("T", 7, &gone)).unwrap();
    assert_eq!(
        value,
        serde_json::json!({
            "schema_version": 1, "sequence": 7, "time": "T", "target": "dns:///school-internal:50051",
            "change": "removed", "endpoint": "a:1", "ttl_s": null, "next_lookup_s": null
        })
    );
}

#[test]
fn words_are_wrapped() {
    assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    assert_eq!(wrap("a-long-word bcd", 4), ["a-lo", "ng-w", "ord", "bcd"]);
    assert_eq!(wrap("", 4), [""]);
}
