//! What was typed, checked word by word and no further; `plan` makes sense of it.

use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use evenkeel::Refresh;
use http::HeaderValue;
use http::uri::PathAndQuery;

mod duration;
mod tls;
mod words;

pub(crate) use tls::{ClientTlsArgs, ServerTlsArgs};

/// gRPC load balancing on Kubernetes without a proxy: a pod to call, a load to call it with, and the two
/// together as a demonstration.
///
/// Exit status: 0 all well, 1 a call or a claim failed, 2 usage, 3 could not run.
/// Logs go to stderr; EVENKEEL_LOG (or RUST_LOG) filters them, for example EVENKEEL_LOG=evenkeel=debug.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(ServeArgs),
    Load(LoadArgs),
    Demo(DemoArgs),
}

/// Be one pod: school.v1.School and health, with `x-served-by: NAME` on every response.
///
/// Prints `listening ADDR` when ready. SIGTERM drains, a second one ends at once. Exit status 0 when drained
/// cleanly, 1 when the drain timeout cut calls off.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", value_parser = words::listen)]
    pub(crate) listen: String,
    /// The name to answer with.
    #[arg(long, value_parser = words::header_value)]
    pub(crate) name: HeaderValue,
    /// Tell a connection to go away at about this age (±10 %); without it, never.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) max_connection_age: Option<Duration>,
    /// How long its calls may go on after that; without it, as long as they like.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) max_connection_age_grace: Option<Duration>,
    /// Tell a connection to go away when it had no call for this long; without it, never.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) max_connection_idle: Option<Duration>,
    /// How long calls may go on after SIGTERM.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration::parse)]
    pub(crate) drain_timeout: Duration,
    /// How long to keep accepting after SIGTERM, health already saying NOT_SERVING.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    pub(crate) lame_duck: Duration,
    /// How long each call waits before it is answered.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    pub(crate) delay: Duration,
    /// Obey lines on stdin and end with it: how the demo holds its pods.
    #[arg(long, hide = true)]
    pub(crate) control: bool,
    #[command(flatten)]
    pub(crate) tls: ServerTlsArgs,
}

/// Call a service over one channel and show which pod answers how much.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadArgs {
    /// Whom to call, as gRPC names it: host:port, dns:///host:port, ipv4:1.2.3.4:50051,…
    pub(crate) target: String,
    /// How many workers call at the same time, all on one channel. With --rate, the least room for calls in
    /// flight: there is room for rate × timeout of them, so that a slow pod delays no other call's start.
    #[arg(short, long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) concurrency: u32,
    /// Calls a second, started on schedule whether or not earlier ones have ended, latency counted from the
    /// scheduled start. 0: each worker calls as soon as its last call has ended.
    #[arg(long, value_name = "N", default_value_t = 0.0, value_parser = words::rate)]
    pub(crate) rate: f64,
    /// For how long [default: 10s, unless -n is given].
    #[arg(short = 'z', long, value_name = "DURATION", value_parser = duration::parse_positive, conflicts_with = "calls")]
    pub(crate) duration: Option<Duration>,
    /// How many calls in all.
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) calls: Option<u64>,
    /// The deadline of each call.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::parse_positive)]
    pub(crate) timeout: Duration,
    /// Let calls wait for a pod instead of failing while none can be reached.
    #[arg(long)]
    pub(crate) wait_for_ready: bool,
    /// When to look the name up again: ttl, disconnect (no more than once in 30 s), disconnect:1s, or every 5s.
    #[arg(long, value_name = "WHEN", default_value = "ttl", value_parser = words::refresh)]
    pub(crate) refresh: Refresh,
    /// The unary method to call, with an empty message.
    #[arg(long, value_name = "SERVICE/METHOD", default_value = "school.v1.School/GetSchool", value_parser = words::method)]
    pub(crate) method: PathAndQuery,
    /// The `:authority` of calls, whose host is the name that TLS wants in servers' certificates [default: the target's].
    #[arg(long, value_name = "NAME")]
    pub(crate) authority: Option<String>,
    /// How to print the outcome.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) tls: ClientTlsArgs,
}

/// Show on this machine why calls stick to one pod, and what spreads them, and what becomes of calls when
/// pods and DNS fail: eight acts, each a measured claim.
///
/// Pods are processes on addresses of 127.0.0.0/8, found by real DNS. Takes about 45 seconds.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Print one JSON document instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Table,
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        super::Args::command().debug_assert();
    }
}
