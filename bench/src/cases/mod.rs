//! What is measured: one side of unary calls, with a peer on the other side whose cost is told apart.

mod callers;
mod clients;
mod peer;
mod pipes;
mod raw;
mod servers;

pub(crate) use peer::PEER_TURN;

use callers::IN_FLIGHT;

/// Bytes of a message's payload, both ways.
const PAYLOAD: usize = 128;

/// Connections, each to a server of its own.
const CONNECTIONS: usize = 2;

/// Made before anything is counted: tables grow, code is paged in.
const WARM: u64 = 256;

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// Our channel, over pipes in memory.
    Client,
    /// A hand-written loop over h2 that picks in turn, over pipes in memory.
    RawClient,
    /// Our channel, over sockets.
    ClientTcp,
    /// tonic's own channel, which balances over a list, over sockets.
    TonicClientTcp,
    /// Our server, over pipes in memory.
    Server,
    /// A hand-written server over h2, over pipes in memory.
    RawServer,
    /// tonic's own server, over pipes in memory.
    TonicServer,
}

pub(crate) const ALL: [Case; 7] = [
    Case::Client,
    Case::RawClient,
    Case::ClientTcp,
    Case::TonicClientTcp,
    Case::Server,
    Case::RawServer,
    Case::TonicServer,
];

impl Case {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::RawClient => "raw-client",
            Self::ClientTcp => "client-tcp",
            Self::TonicClientTcp => "tonic-client-tcp",
            Self::Server => "server",
            Self::RawServer => "raw-server",
            Self::TonicServer => "tonic-server",
        }
    }

    /// Makes so many calls, after some that warm up.
    pub(crate) fn run(self, calls: u64) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("a runtime: {error}"))?;
        let calls = (WARM + calls).next_multiple_of(IN_FLIGHT as u64);
        runtime.block_on(async {
            match self {
                Self::Client => clients::ours(calls).await,
                Self::RawClient => clients::raw(calls).await,
                Self::ClientTcp => clients::ours_tcp(calls).await,
                Self::TonicClientTcp => clients::tonic_tcp(calls).await,
                Self::Server => servers::ours(calls).await,
                Self::RawServer => servers::raw(calls).await,
                Self::TonicServer => servers::tonic(calls).await,
            }
        })
    }
}
