//! The simulated network under hickory, which asks evenkeel's DNS questions.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel::resolve::DnsSockets;
use hickory_resolver::net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioHandle, TokioTime};
use tokio::time::sleep;

use super::{Net, Stream};

type Boxed<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// The sockets of one host.
#[derive(Clone, Debug)]
pub(crate) struct Sockets {
    net: Net,
    ip: IpAddr,
}

#[derive(Clone)]
pub(crate) struct Provider {
    sockets: Sockets,
    handle: TokioHandle,
}

/// A datagram socket that only asks and hears answers.
pub(crate) struct Datagrams {
    net: Net,
    ip: IpAddr,
    inbox: Arc<Mutex<Inbox>>,
}

#[derive(Default)]
struct Inbox {
    arrived: VecDeque<(Vec<u8>, SocketAddr)>,
    reader: Option<Waker>,
}

impl Sockets {
    pub(crate) fn new(net: Net, ip: IpAddr) -> Self {
        Self { net, ip }
    }
}

impl DnsSockets for Sockets {
    type Provider = Provider;

    fn provider(&self) -> Provider {
        Provider { sockets: self.clone(), handle: TokioHandle::default() }
    }
}

impl RuntimeProvider for Provider {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = Datagrams;
    type Tcp = AsyncIoTokioAsStd<Stream>;

    fn create_handle(&self) -> TokioHandle {
        self.handle.clone()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        _: Option<SocketAddr>,
        limit: Option<Duration>,
    ) -> Boxed<AsyncIoTokioAsStd<Stream>> {
        let Sockets { net, ip } = self.sockets.clone();
        let limit = limit.unwrap_or(Duration::from_secs(5));
        Box::pin(async move {
            let connected = tokio::time::timeout(limit, net.connect(ip, server)).await;
            connected.map_or_else(
                |_| Err(io::ErrorKind::TimedOut.into()),
                |connected| connected.map(AsyncIoTokioAsStd),
            )
        })
    }

    fn bind_udp(&self, _: SocketAddr, _: SocketAddr) -> Boxed<Datagrams> {
        let Sockets { net, ip } = self.sockets.clone();
        Box::pin(async move { Ok(Datagrams { net, ip, inbox: Arc::default() }) })
    }
}

impl DnsUdpSocket for Datagrams {
    type Time = TokioTime;

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((data, from)) = inbox.arrived.pop_front() else {
            inbox.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let length = data.len().min(buffer.len());
        buffer[..length].copy_from_slice(&data[..length]);
        Poll::Ready(Ok((length, from)))
    }

    fn poll_send_to(&self, _: &mut Context<'_>, data: &[u8], target: SocketAddr) -> Poll<io::Result<usize>> {
        let mut state = self.net.state();
        let length = data.len();
        let there = state.packet(self.ip, target.ip());
        let service = state.services.get(&target).cloned();
        if let Some((there, service)) = there.zip(service) {
            drop(state);
            let (net, ip, inbox, data) = (self.net.clone(), self.ip, Arc::clone(&self.inbox), data.to_vec());
            tokio::spawn(async move {
                sleep(there).await;
                let Some((pause, answer)) = service(&data) else { return };
                sleep(pause).await;
                let back = net.state().packet(target.ip(), ip);
                let Some(back) = back else { return };
                sleep(back).await;
                let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
                inbox.arrived.push_back((answer, target));
                if let Some(reader) = inbox.reader.take() {
                    reader.wake();
                }
            });
        }
        Poll::Ready(Ok(length))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sockets.fmt(f)
    }
}
