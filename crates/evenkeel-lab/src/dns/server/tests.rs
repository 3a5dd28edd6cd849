use std::net::Ipv4Addr;

use tokio::sync::Notify;

use super::{
    Arc, AsyncReadExt, AsyncWriteExt, Duration, Query, Reaction, Server, TCP_IDLE, TcpStream, Transport,
    UdpSocket, timeout,
};

/// What a test waits for before it believes that nothing comes.
const A_WHILE: Duration = Duration::from_millis(100);

/// A question for the A records of `name`, of one label, with this id.
fn question(id: u8, name: &str) -> Vec<u8> {
    let length = [name.len() as u8];
    [&[0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &length[..], name.as_bytes(), &[0, 0, 1, 0, 1]].concat()
}

/// What a server says to `name`: the name, and how the question came.
fn said(query: &Query) -> Vec<u8> {
    format!("{} {:?}", query.name, query.transport).into_bytes()
}

/// Says its name to each question, but for `silent` and `bye`, and to `late` when it is notified.
async fn server(late: Arc<Notify>) -> Server {
    let react = move |query: Query| {
        let late = Arc::clone(&late);
        async move {
            match query.name.as_str() {
                "silent" => return Reaction::Silence,
                "bye" => return Reaction::HangUp,
                "long" => return Reaction::Message(vec![0; 65_536]),
                "late" => late.notified().await,
                _ => {}
            }
            Reaction::Message(said(&query))
        }
    };
    Server::start((Ipv4Addr::LOCALHOST, 0).into(), react).await.expect("started")
}

async fn udp(server: &Server) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
    socket.connect(server.address()).await.expect("connected");
    socket
}

async fn hear(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer).await.expect("an answer");
    buffer[..length].to_vec()
}

async fn tcp(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.expect("connected")
}

async fn send(stream: &mut TcpStream, message: &[u8]) {
    stream.write_all(&[&[0, message.len() as u8], message].concat()).await.expect("sent");
}

async fn hear_framed(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u16().await.expect("an answer");
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.expect("a whole answer");
    message
}

#[tokio::test]
async fn one_port_answers_over_both_as_often_as_asked() {
    let server = server(Arc::default()).await;
    let (socket, mut stream) = (udp(&server).await, tcp(&server).await);
    for id in 0..3 {
        socket.send(&question(id, "a")).await.expect("sent");
        assert_eq!(hear(&socket).await, b"a Udp");
        send(&mut stream, &question(id, "b")).await;
        assert_eq!(hear_framed(&mut stream).await, b"b Tcp");
    }
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_is_late() {
    let late = Arc::new(Notify::new());
    let server = server(Arc::clone(&late)).await;
    let (socket, mut first, mut second) = (udp(&server).await, tcp(&server).await, tcp(&server).await);
    socket.send(&question(1, "late")).await.expect("sent");
    send(&mut first, &question(1, "late")).await;
    socket.send(&question(2, "a")).await.expect("sent");
    assert_eq!(hear(&socket).await, b"a Udp");
    send(&mut second, &question(1, "b")).await;
    assert_eq!(hear_framed(&mut second).await, b"b Tcp");
    // One permit for each, whichever of them waits by now.
    late.notify_one();
    let either =
        tokio::select! { message = hear(&socket) => message, message = hear_framed(&mut first) => message };
    late.notify_one();
    let other = if either == b"late Udp" { hear_framed(&mut first).await } else { hear(&socket).await };
    assert_ne!(either, other);
}

#[tokio::test]
async fn silence_leaves_the_connection_to_the_next_question() {
    let server = server(Arc::default()).await;
    let (socket, mut stream) = (udp(&server).await, tcp(&server).await);
    socket.send(&question(1, "silent")).await.expect("sent");
    socket.send(&question(2, "a")).await.expect("sent");
    assert_eq!(hear(&socket).await, b"a Udp");
    assert!(timeout(A_WHILE, hear(&socket)).await.is_err());
    send(&mut stream, &question(1, "silent")).await;
    assert!(timeout(A_WHILE, stream.read_u8()).await.is_err(), "neither an answer nor an end");
    send(&mut stream, &question(2, "a")).await;
    assert_eq!(hear_framed(&mut stream).await, b"a Tcp");
}

#[tokio::test]
async fn a_connection_ends_by_a_word_by_what_is_no_question_and_by_what_is_too_long() {
    let server = server(Arc::default()).await;
    for message in [question(1, "bye"), vec![0xff; 9], vec![], question(1, "long")] {
        let mut stream = tcp(&server).await;
        send(&mut stream, &message).await;
        assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)), "{message:?}");
    }
    let socket = udp(&server).await;
    for message in [&[0xff; 9][..], &[], &question(1, "bye")] {
        socket.send(message).await.expect("sent");
    }
    socket.send(&question(2, "a")).await.expect("sent");
    assert_eq!(hear(&socket).await, b"a Udp", "only what is a question is answered");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_nothing_is_hung_up_on() {
    let server = server(Arc::default()).await;
    for part in [&[][..], &[0], &[0, 9, 1]] {
        let mut stream = tcp(&server).await;
        stream.write_all(part).await.expect("sent");
        let since = tokio::time::Instant::now();
        assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
        assert!(since.elapsed() >= TCP_IDLE - Duration::from_millis(100), "{:?}", since.elapsed());
    }
}

#[tokio::test]
async fn a_port_can_be_named_and_a_server_that_goes_ends_what_it_is_answering() {
    let first = server(Arc::default()).await;
    let address = first.address();
    let silent = |_: Query| std::future::ready(Reaction::Silence);
    Server::start(address, silent).await.expect_err("it is taken");
    let mut stream = tcp(&first).await;
    send(&mut stream, &question(1, "late")).await;
    drop(first);
    assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn how_a_question_came_is_known() {
    let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let react = move |query: Query| {
        sender.send((query.name, query.transport)).expect("heard");
        std::future::ready(Reaction::Silence)
    };
    let server = Server::start((Ipv4Addr::LOCALHOST, 0).into(), react).await.expect("started");
    let (socket, mut stream) = (udp(&server).await, tcp(&server).await);
    for name in ["a", "b", "c"] {
        socket.send(&question(1, name)).await.expect("sent");
    }
    for name in ["a", "b", "c"] {
        assert_eq!(asked.recv().await, Some((name.to_owned(), Transport::Udp)), "in the order they came");
    }
    send(&mut stream, &question(1, "d")).await;
    assert_eq!(asked.recv().await, Some(("d".to_owned(), Transport::Tcp)));
}
