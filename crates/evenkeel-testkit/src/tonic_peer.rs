//! tonic's own server with the Echo service, as a foreign peer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;

use crate::echo::EchoService;

/// tonic's server on a thread and a runtime of its own, so that nothing it does is counted as the test's, and so that
/// it can be killed with all its connections, as a process would be. Dropping it kills it.
#[derive(Debug)]
pub struct TonicServer {
    address: SocketAddr,
    service: EchoService,
    kill: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl TonicServer {
    /// Serves Echo under `name` on a free port of 127.0.0.1.
    pub fn start(name: &str) -> Self {
        Self::start_on(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0), name)
    }

    /// Serves Echo under `name` on `address`, for example where a killed one was.
    pub fn start_on(address: SocketAddr, name: &str) -> Self {
        let service = EchoService::new(name);
        let server = service.clone().into_server();
        let (kill, killed) = oneshot::channel::<()>();
        let (started, address_known) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async move {
                let listener = TcpListener::bind(address).await.expect("a loopback port can be bound");
                let address = listener.local_addr().expect("a listener has an address");
                started.send(address).expect("the starter waits");
                let router = tonic::transport::Server::builder().tcp_nodelay(true).add_service(server);
                tokio::select! {
                    served = router.serve_with_incoming(TcpListenerStream::new(listener)) => {
                        served.expect("tonic serves until it is killed");
                    }
                    _ = killed => {}
                }
            });
        });
        let address = address_known.recv().expect("the server thread has started");
        Self { address, service, kill: Some(kill), thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A target that names it without any resolution, `ipv4:127.0.0.1:port`.
    pub fn target(&self) -> String {
        format!("ipv4:{}", self.address)
    }

    /// The service, with its counts.
    pub fn service(&self) -> &EchoService {
        &self.service
    }

    /// Ends it with all its connections, as a killed process ends. Returns when its sockets are closed.
    pub fn kill(&mut self) {
        self.kill.take();
        if let Some(thread) = self.thread.take() {
            // A panicked server has said so already.
            let _ = thread.join();
        }
    }
}

impl Drop for TonicServer {
    fn drop(&mut self) {
        self.kill();
    }
}
