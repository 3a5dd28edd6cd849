use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::query::{CLASS_IN, TYPE_A, TYPE_AAAA, TYPE_OPT};
use super::{NAME_ERROR, Query, REFUSED, RecordType, Response, SERVER_FAILURE, Soa, Transport};

/// `Pods.demo.svc.cluster.local`
const NAME: &[u8] = b"\x04Pods\x04demo\x03svc\x07cluster\x05local\0";
const TC: u16 = 0x0200;

fn message(kind: u16, class: u16, edns: Option<u16>) -> Vec<u8> {
    let mut message = Vec::new();
    for word in [0xabcd_u16, 0x0100, 1, 0, 0, u16::from(edns.is_some())] {
        message.extend(word.to_be_bytes());
    }
    message.extend(NAME);
    message.extend([kind, class].map(u16::to_be_bytes).concat());
    if let Some(size) = edns {
        message.push(0);
        message.extend([TYPE_OPT, size, 0, 0, 0].map(u16::to_be_bytes).concat());
    }
    message
}

fn query(kind: u16, edns: Option<u16>) -> Query {
    Query::parse(&message(kind, CLASS_IN, edns), Transport::Udp).expect("a query")
}

fn addresses(query: &Query, count: u8) -> Response {
    let addresses = (0..count).map(|i| (Ipv4Addr::new(127, 1, 2, i).into(), 3)).collect();
    Response { addresses, ..Response::to(query) }
}

fn word(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([message[at], message[at + 1]])
}

fn counts(message: &[u8]) -> [u16; 4] {
    [4, 6, 8, 10].map(|at| word(message, at))
}

#[test]
fn a_question_is_understood() {
    let asked = query(TYPE_A, Some(1232));
    assert_eq!(asked.name, "pods.demo.svc.cluster.local");
    assert_eq!((asked.id, asked.edns), (0xabcd, Some(1232)));
    assert!(asked.is_answerable() && asked.is_recursion_desired);
    assert_eq!(asked.question, message(TYPE_A, CLASS_IN, None)[12..]);
    for (kind, record_type) in
        [(TYPE_A, Some(RecordType::A)), (TYPE_AAAA, Some(RecordType::Aaaa)), (16, None)]
    {
        assert_eq!(query(kind, None).record_type, record_type);
    }
}

#[test]
fn what_is_no_question_is_not() {
    let parse = |message: &[u8]| Query::parse(message, Transport::Udp);
    for edns in [None, Some(1232)] {
        let good = message(TYPE_A, CLASS_IN, edns);
        for length in 0..good.len() {
            assert_eq!(parse(&good[..length]), None, "cut at {length}");
        }
    }
    // An answer, two questions, a pointer, and a label's length that none has.
    for (at, byte) in [(2, 0x81), (5, 2), (12, 0xc0), (12, 64)] {
        let mut bad = message(TYPE_A, CLASS_IN, Some(1232));
        bad[at] = byte;
        assert_eq!(parse(&bad), None, "{byte} at {at}");
    }
    assert!(!parse(&message(TYPE_A, 3, None)).expect("a query").is_answerable(), "of another class");
    let mut update = message(TYPE_A, CLASS_IN, None);
    update[2] |= 5 << 3;
    let update = parse(&update).expect("a query");
    assert_eq!((update.opcode, update.is_answerable()), (5, false));
}

#[test]
fn names_have_their_longest() {
    let named = |labels: usize, last: u8| {
        let mut message = message(TYPE_A, CLASS_IN, None);
        let label = [&[63], &[b'x'; 63][..]].concat();
        let name = [label.repeat(labels), vec![last], vec![b'x'; usize::from(last)], vec![0]].concat();
        message.splice(12..12 + NAME.len(), name);
        Query::parse(&message, Transport::Udp)
    };
    assert_eq!(named(3, 61).map(|query| query.name.len()), Some(253));
    assert_eq!(named(3, 62), None);
    assert_eq!(named(1000, 1), None);
}

#[test]
fn bytes_at_random_are_no_trouble() {
    let mut random = fastrand::Rng::with_seed(7);
    let good = message(TYPE_A, CLASS_IN, Some(1232));
    for _ in 0..2_000 {
        let mut bad = good.clone();
        for _ in 0..random.usize(1..8) {
            bad[random.usize(..good.len())] = random.u8(..);
        }
        if let Some(query) = Query::parse(&bad, Transport::Udp) {
            assert!(addresses(&query, 255).encode(query.limit()).len() <= query.limit());
        }
    }
}

#[test]
fn addresses_byte_for_byte() {
    let asked = message(TYPE_A, CLASS_IN, None);
    let mut response = addresses(&query(TYPE_A, None), 2);
    response.is_authoritative = true;
    let mut expected = vec![0xab, 0xcd, 0x85, 0x00, 0, 1, 0, 2, 0, 0, 0, 0];
    expected.extend(&asked[12..]);
    expected.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 3, 0, 4, 127, 1, 2, 0]);
    expected.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 3, 0, 4, 127, 1, 2, 1]);
    assert_eq!(response.encode(512), expected);
}

#[test]
fn an_alias_has_the_addresses() {
    let mut response = Response::to(&query(TYPE_AAAA, None));
    response.is_recursion_available = true;
    response.alias = Some(("b.test.".to_owned(), 9));
    response.addresses = vec![(Ipv6Addr::LOCALHOST.into(), 3)];
    response.class = 3;
    let target = b"\x01b\x04test\0";
    let mut expected = vec![0xab, 0xcd, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
    expected.extend(&message(TYPE_AAAA, CLASS_IN, None)[12..]);
    expected.extend([&[0xc0, 12, 0, 5, 0, 3, 0, 0, 0, 9, 0, 8][..], target].concat());
    expected.extend([&target[..], &[0, 28, 0, 3, 0, 0, 0, 3, 0, 16], &Ipv6Addr::LOCALHOST.octets()].concat());
    assert_eq!(response.encode(512), expected);
}

#[test]
fn nothing_comes_with_how_long_it_holds() {
    for (code, zone) in [(0, "cluster.local"), (NAME_ERROR, "cluster.local"), (NAME_ERROR, "")] {
        let mut response = Response::to(&query(TYPE_AAAA, Some(1232)));
        response.code = code;
        response.soa = Some(Soa { zone: zone.to_owned(), ttl: 4 });
        let message = response.encode(1232);
        assert_eq!((word(&message, 2) & 15, counts(&message)), (code, [1, 0, 1, 1]));
        let owner = if zone.is_empty() { &[0][..] } else { b"\x07cluster\x05local\0" };
        let at = 12 + NAME.len() + 4;
        assert_eq!(&message[at..at + owner.len() + 8], [owner, &[0, 6, 0, 1, 0, 0, 0, 4]].concat());
        let opt_bytes = 11;
        let minimum = message.len() - opt_bytes - 4..message.len() - opt_bytes;
        assert_eq!(&message[minimum], [0, 0, 0, 4], "SOA minimum");
    }
}

#[test]
fn what_does_not_fit_is_cut_and_said() {
    let plain = query(TYPE_A, None);
    let tiny = query(TYPE_A, Some(100));
    assert_eq!((plain.limit(), tiny.limit(), query(TYPE_A, Some(1232)).limit()), (512, 512, 1232));
    for limit in [512, 1232] {
        let message = addresses(&plain, 255).encode(limit);
        assert!(message.len() <= limit && message.len() > limit - 16, "{}", message.len());
        assert_ne!(word(&message, 2) & TC, 0);
        let records = (message.len() - 12 - plain.question.len()) / 16;
        assert_eq!(usize::from(word(&message, 6)), records);
    }
    let tcp = Query { transport: Transport::Tcp, ..plain };
    let whole = addresses(&tcp, 255).encode(tcp.limit());
    assert_eq!((word(&whole, 2) & TC, word(&whole, 6)), (0, 255));
    let many: Vec<(IpAddr, u32)> = vec![(Ipv4Addr::LOCALHOST.into(), 1); 70_000];
    let most = Response { addresses: many, ..Response::to(&tcp) }.encode(usize::MAX);
    assert!(most.len() <= 65_535 && word(&most, 2) & TC != 0, "no message is longer");
}

#[test]
fn trouble_of_the_server_comes_with_nothing_else() {
    for code in [SERVER_FAILURE, REFUSED] {
        let response = Response { code, ..Response::to(&query(TYPE_A, Some(1232))) };
        let message = response.encode(512);
        assert_eq!((word(&message, 2) & 15, counts(&message)), (code, [1, 0, 0, 1]), "the question and EDNS");
    }
}

#[test]
fn a_code_above_15_is_half_in_edns() {
    let response = Response { code: 0x123, ..Response::to(&query(TYPE_A, Some(1232))) };
    let message = response.encode(512);
    assert_eq!(word(&message, 2) & 15, 3);
    let opt = [0, 0, 41, 0x04, 0xd0, 0x12, 0, 0, 0, 0, 0];
    assert_eq!(&message[message.len() - opt.len()..], opt);
}

#[test]
fn what_does_not_belong_to_the_question_can_be_said() {
    let mut response = Response::to(&query(TYPE_A, Some(1232)));
    (response.id, response.opcode, response.is_response) = (1, 2, false);
    response.is_truncated = true;
    response.question.clear();
    response.has_opt = false;
    assert_eq!(response.encode(512), [0, 1, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0], "a header alone");
}
