use std::net::Ipv4Addr;

use super::{Answer, CLASS_IN, FLAG_TRUNCATED, Query, TYPE_A, TYPE_OPT, name_bytes, record};

const NAME: [&str; 5] = ["Pods", "demo", "svc", "cluster", "local"];

fn query(kind: u16, class: u16, edns: Option<u16>) -> Vec<u8> {
    let mut message = Vec::new();
    for word in [0xabcd_u16, 0x0100, 1, 0, 0, u16::from(edns.is_some())] {
        message.extend(word.to_be_bytes());
    }
    message.extend(name_bytes(&NAME));
    message.extend(kind.to_be_bytes());
    message.extend(class.to_be_bytes());
    if let Some(size) = edns {
        message.push(0);
        record(&mut message, TYPE_OPT, size, 0, &[]);
    }
    message
}

fn addresses(count: u8) -> Answer {
    Answer::Addresses { addresses: (0..count).map(|i| Ipv4Addr::new(127, 1, 2, i)).collect(), ttl: 3 }
}

fn word(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([message[at], message[at + 1]])
}

#[test]
fn a_question_is_understood() {
    let query = Query::parse(&query(TYPE_A, CLASS_IN, Some(1232))).expect("a query");
    assert_eq!(query.name, "pods.demo.svc.cluster.local");
    assert!(query.is_for_a() && query.is_answerable());
    assert_eq!(query.udp_limit(), 1232);
}

#[test]
fn what_is_no_question_is_not() {
    let good = query(TYPE_A, CLASS_IN, Some(1232));
    for length in 0..good.len() {
        assert_eq!(Query::parse(&good[..length]), None, "cut at {length}");
    }
    let mut response = good.clone();
    response[2] |= 0x80;
    assert_eq!(Query::parse(&response), None);
    let mut pointer = good;
    pointer[12] = 0xc0;
    assert_eq!(Query::parse(&pointer), None);
    let chaos = Query::parse(&query(TYPE_A, 3, None)).expect("a query");
    assert!(!chaos.is_answerable());
}

#[test]
fn addresses_byte_for_byte() {
    let asked = query(TYPE_A, CLASS_IN, None);
    let message = Query::parse(&asked).expect("a query").respond(&addresses(2), 512);
    let mut expected = vec![0xab, 0xcd, 0x85, 0x00, 0, 1, 0, 2, 0, 0, 0, 0];
    expected.extend(&asked[12..]);
    expected.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 3, 0, 4, 127, 1, 2, 0]);
    expected.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 3, 0, 4, 127, 1, 2, 1]);
    assert_eq!(message, expected);
}

#[test]
fn nothing_comes_with_how_long_it_holds() {
    let query = Query::parse(&query(28, CLASS_IN, Some(1232))).expect("a query");
    for (answer, code) in [(Answer::NoData { ttl: 4 }, 0), (Answer::NameError { ttl: 4 }, 3)] {
        let message = query.respond(&answer, 1232);
        assert_eq!(word(&message, 2) & 15, code);
        assert_eq!((word(&message, 6), word(&message, 8), word(&message, 10)), (0, 1, 1));
        let opt_bytes = 11;
        assert_eq!(
            &message[message.len() - opt_bytes - 4..message.len() - opt_bytes],
            [0, 0, 0, 4],
            "SOA minimum"
        );
    }
    let refused = query.respond(&Answer::Refused, 1232);
    assert_eq!((word(&refused, 2) & 15, word(&refused, 8)), (5, 0));
}

#[test]
fn what_does_not_fit_is_cut_and_said() {
    // RFC 6891: less than 512 means 512.
    let plain = Query::parse(&query(TYPE_A, CLASS_IN, None)).expect("a query");
    let tiny = Query::parse(&query(TYPE_A, CLASS_IN, Some(100))).expect("a query");
    assert_eq!((plain.udp_limit(), tiny.udp_limit()), (512, 512));
    for limit in [512, 1232] {
        let message = plain.respond(&addresses(255), limit);
        assert!(message.len() <= limit && message.len() > limit - 16, "{}", message.len());
        assert_ne!(word(&message, 2) & FLAG_TRUNCATED, 0);
    }
    let whole = plain.respond(&addresses(255), usize::from(u16::MAX));
    assert_eq!((word(&whole, 2) & FLAG_TRUNCATED, word(&whole, 6)), (0, 255));
}

#[test]
fn trouble_of_the_server_comes_with_nothing_else() {
    let query = Query::parse(&query(TYPE_A, CLASS_IN, Some(1232))).expect("a query");
    for (answer, code) in [(Answer::ServerFailure, 2), (Answer::Refused, 5)] {
        let message = query.respond(&answer, 512);
        assert_eq!(word(&message, 2) & 15, code);
        let counts: Vec<_> = [4, 6, 8, 10].map(|at| word(&message, at)).into();
        assert_eq!(counts, [1, 0, 0, 1], "the question and EDNS");
    }
}
