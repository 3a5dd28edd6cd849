use std::time::Duration;

use evenkeel_lab::dns::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::{
    DnsServer, Fault, Ipv4Addr, Mutex, NAME_ERROR, Query, REFUSED, Reaction, SERVER_FAILURE, Zone, react,
};

/// A question for the A records of `pods.local`, without EDNS.
const QUESTION: &[u8] = &[
    0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, b'p', b'o', b'd', b's', 5, b'l', b'o', b'c', b'a', b'l', 0, 0, 1,
    0, 1,
];

async fn ask_udp(server: &DnsServer) -> Vec<u8> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
    socket.send_to(QUESTION, server.address()).await.expect("sent");
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).await.expect("an answer");
    buffer[..length].to_vec()
}

#[tokio::test]
async fn the_pods_over_udp_and_all_of_them_over_tcp() {
    let server =
        DnsServer::start(Ipv4Addr::LOCALHOST, Zone::new(Duration::from_secs(5))).await.expect("started");
    server.set("pods.local", (0..100).map(|i| Ipv4Addr::new(127, 3, 3, i)).collect());

    let truncated = ask_udp(&server).await;
    assert_eq!(truncated[2] & 2, 2, "TC");
    assert!(truncated.len() <= 512);

    let mut stream = TcpStream::connect(server.address()).await.expect("connected");
    for _ in 0..2 {
        let mut framed = vec![0, QUESTION.len() as u8];
        framed.extend(QUESTION);
        stream.write_all(&framed).await.expect("sent");
        let length = stream.read_u16().await.expect("an answer");
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await.expect("a whole answer");
        assert_eq!((answer[2] & 2, answer[7]), (0, 100), "whole, on one connection as often as asked");
    }
}

#[tokio::test]
async fn no_pods_no_name() {
    let server =
        DnsServer::start(Ipv4Addr::LOCALHOST, Zone::new(Duration::from_secs(5))).await.expect("started");
    assert_eq!(ask_udp(&server).await[3] & 15, 3);
}

#[tokio::test]
async fn a_silent_server_answers_only_what_comes_later() {
    let server =
        DnsServer::start(Ipv4Addr::LOCALHOST, Zone::new(Duration::from_secs(5))).await.expect("started");
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
    server.set_fault("pods.local", Some(Fault::Silence));
    socket.send_to(QUESTION, server.address()).await.expect("sent");
    // Its silence is over as soon as it has kept it once.
    let mut questions = 0;
    while questions == 0 {
        tokio::task::yield_now().await;
        questions = server.set_fault("pods.local", Some(Fault::Silence));
    }
    server.set_fault("pods.local", Some(Fault::ServerFailure));
    let mut other = QUESTION.to_vec();
    other[1] = 8;
    socket.send_to(&other, server.address()).await.expect("sent");
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).await.expect("an answer");
    assert!(length >= 12);
    assert_eq!((answer[1], answer[3] & 15), (8, 2), "the second question's, and SERVFAIL");
}

/// What comes of a question of this type and class for `pods.local`, where `zone` knows one address.
fn told(zone: Zone, kind: u8, class: u8) -> Vec<u8> {
    let mut question = QUESTION.to_vec();
    let length = question.len();
    (question[length - 3], question[length - 1]) = (kind, class);
    let query = Query::parse(&question, Transport::Udp).expect("a question");
    let Reaction::Message(message) = react(&query, &Mutex::new(zone)) else { panic!("no answer") };
    message
}

#[test]
fn nothing_comes_with_how_long_it_holds() {
    let zone = || {
        let mut zone = Zone::new(Duration::from_secs(4));
        zone.set("pods.local", vec![Ipv4Addr::new(127, 3, 3, 1)]);
        zone
    };
    let some = told(zone(), 1, 1);
    assert_eq!(
        (&some[2..4], &some[6..12]),
        (&[0x85, 0][..], &[0, 1, 0, 0, 0, 0][..]),
        "by the zone's own server"
    );
    for (message, code) in
        [(told(zone(), 28, 1), 0), (told(Zone::new(Duration::from_secs(4)), 1, 1), NAME_ERROR)]
    {
        assert_eq!((u16::from(message[3] & 15), &message[6..10]), (code, &[0, 0, 0, 1][..]));
        assert!(message.windows(15).any(|name| name == b"\x07cluster\x05local\0"), "whose word it is");
        assert!(message.ends_with(&[0, 0, 0, 4]), "SOA minimum");
    }
}

#[test]
fn trouble_comes_with_nothing_else() {
    let mut broken = Zone::new(Duration::from_secs(4));
    broken.set_fault("pods.local", Some(Fault::ServerFailure));
    let of_chaos = told(Zone::new(Duration::from_secs(4)), 1, 3);
    for (message, code) in [(told(broken, 1, 1), SERVER_FAILURE), (of_chaos, REFUSED)] {
        assert_eq!((u16::from(message[3] & 15), &message[4..12]), (code, &[0, 1, 0, 0, 0, 0, 0, 0][..]));
    }
}
