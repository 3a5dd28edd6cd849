use std::time::Duration;

use evenkeel_core::resolve::Family;

use super::{AbsoluteName, Cause, Found, Question, ResponseCode};

const A: u16 = 1;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const RECURSES: u16 = 0x8180;
const SPEAKS_FOR_IT: u16 = 0x8500;
const REFERS: u16 = 0x8100;
/// Where the question's name is.
const ASKED: &[u8] = &[0xC0, 12];

/// What a test's server sends: flags, and records in the answer, the authority and the additional section.
#[derive(Default)]
struct Sent {
    flags: u16,
    records: [Vec<Vec<u8>>; 3],
}

fn record(owner: &[u8], record_type: u16, data: &[u8]) -> Vec<u8> {
    let numbers = [record_type, 1, 0, 30, data.len() as u16].map(u16::to_be_bytes).concat();
    [owner, &numbers, data].concat()
}

fn address(last: u8) -> Vec<u8> {
    record(ASKED, A, &[10, 0, 0, last])
}

/// A SOA record whose data is none.
fn broken() -> Vec<u8> {
    record(ASKED, SOA, &[1, b'x'])
}

fn wire_name(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn question(name: &str) -> Question {
    Question::new(&AbsoluteName::parse(name).unwrap(), Family::V4)
}

fn read(question: &Question, sent: &Sent) -> Result<Found, Cause> {
    let encoded = question.encode(false).unwrap();
    let counts = sent.records.iter().map(|records| records.len() as u16);
    let header: Vec<u8> =
        [encoded.id, sent.flags, 1].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect();
    let bytes = [&header, &encoded.bytes[12..], &sent.records.concat().concat()].concat();
    question.read(encoded.id, &bytes).expect("it is an answer")
}

fn addresses(found: Result<Found, Cause>) -> Vec<String> {
    match found {
        Ok(Found::Addresses(all, ttl)) if ttl == Duration::from_secs(30) => {
            all.iter().map(ToString::to_string).collect()
        }
        other => panic!("no addresses: {other:?}"),
    }
}

#[test]
fn only_who_knows_or_asks_around_can_say_that_there_is_nothing() {
    let found = |flags| read(&question("a.test."), &Sent { flags, ..Sent::default() });
    assert!(matches!(found(RECURSES), Ok(Found::NoData)));
    assert!(matches!(found(SPEAKS_FOR_IT), Ok(Found::NoData)));
    assert!(matches!(found(REFERS), Err(Cause::Lame)));
    assert!(matches!(found(REFERS | 3), Ok(Found::NxDomain)));
    assert!(matches!(found(REFERS | 5), Err(Cause::Code(ResponseCode::Refused))));
    let sent = Sent { flags: REFERS, records: [vec![address(1)], vec![], vec![]] };
    assert_eq!(addresses(read(&question("a.test."), &sent)), ["10.0.0.1"]);
}

#[test]
fn a_chain_of_aliases_has_an_end() {
    let chain = |length: u8| {
        let name = |at: u8| wire_name(&format!("n{at}.test"));
        let mut answers: Vec<_> = (0..length).map(|at| record(&name(at), CNAME, &name(at + 1))).collect();
        answers.push(record(&name(length), A, &[10, 0, 0, 1]));
        Sent { flags: RECURSES, records: [answers, vec![], vec![]] }
    };
    for length in [0, 1, 16] {
        assert_eq!(addresses(read(&question("n0.test."), &chain(length))), ["10.0.0.1"], "{length}");
    }
    assert!(matches!(read(&question("n0.test."), &chain(17)), Err(Cause::Aliases)));
    let circle = vec![record(ASKED, CNAME, ASKED)];
    let circle = Sent { flags: RECURSES, records: [circle, vec![], vec![]] };
    assert!(matches!(read(&question("n0.test."), &circle), Err(Cause::Aliases)));
}

#[test]
fn a_broken_record_behind_the_answers_does_not_spoil_them() {
    let sent = |code, answers| Sent { flags: RECURSES | code, records: [answers, vec![broken()], vec![]] };
    let found = |sent: Sent| read(&question("a.test."), &sent);
    assert_eq!(addresses(found(sent(0, vec![address(1), address(2)]))), ["10.0.0.1", "10.0.0.2"]);
    assert!(matches!(found(sent(0, vec![])), Ok(Found::NoData)));
    assert!(matches!(found(sent(3, vec![])), Ok(Found::NxDomain)));
    assert!(matches!(found(sent(2, vec![])), Err(Cause::Code(ResponseCode::ServFail))));
    assert!(matches!(found(sent(0, vec![address(1), broken()])), Err(Cause::Malformed(_))));
    let additional = |answers| Sent { flags: RECURSES, records: [answers, vec![], vec![broken()]] };
    assert_eq!(addresses(found(additional(vec![address(1)]))), ["10.0.0.1"]);
    // The rest of the code may have stood there.
    assert!(matches!(found(additional(vec![])), Err(Cause::Malformed(_))));
}

#[test]
fn whatever_makes_labels_can_be_asked_for() {
    for name in ["a.test.", "-x.test.", "a+b.test.", "foo,.test.", "*.A_b.test.", "xn--mller-kva.de."] {
        assert_eq!(AbsoluteName::parse(name).unwrap().to_string(), name);
        let upper = wire_name(name.to_ascii_uppercase().trim_end_matches('.'));
        let sent =
            Sent { flags: RECURSES, records: [vec![record(&upper, A, &[10, 0, 0, 1])], vec![], vec![]] };
        assert_eq!(addresses(read(&question(name), &sent)), ["10.0.0.1"], "{name}");
    }
    let label = "x".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}.", "x".repeat(61));
    assert!(AbsoluteName::parse(&longest).is_ok());
    for bad in ["a..test.", ".", "", &format!("x{longest}"), &format!("x{label}.test.")] {
        assert!(matches!(AbsoluteName::parse(bad), Err(Cause::Name(_))), "{bad}");
    }
}
