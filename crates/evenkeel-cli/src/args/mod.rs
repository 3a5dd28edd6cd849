//! What was typed, checked word by word and no further; `plan` makes sense of it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use evenkeel::Refresh;
use http::HeaderValue;
use http::uri::PathAndQuery;

mod assertion;
#[cfg(test)]
mod documented;
mod duration;
mod tls;
mod words;

pub(crate) use assertion::{Assertion, Quantile};
pub(crate) use tls::{ClientTlsArgs, ServerTlsArgs};

/// gRPC load balancing on Kubernetes without a proxy: a pod to call, a load to call it with, a look at what the
/// name resolves to, and all of it together as a demonstration.
///
/// Exit status: 0 all well, 1 a call, a claim or an assertion failed or a name has no address, 2 usage, 3 could not run,
/// 130 a load with an end was interrupted before it.
/// Logs go to stderr; EVENKEEL_LOG (or RUST_LOG) filters them, for example EVENKEEL_LOG=evenkeel=debug.
/// NO_COLOR takes the colours away.
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
    Resolve(ResolveArgs),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Be one pod: school.v1.School and health, with `x-served-by: NAME` on every response.
///
/// Answers server reflection too (v1 and v1alpha), so that grpcurl, ghz and their like need no .proto file.
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
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// A second address, always plain text, with nothing but the health service: for Kubernetes' gRPC probes of a
    /// pod that speaks TLS.
    #[arg(long, value_name = "ADDR", value_parser = words::listen)]
    pub(crate) health_listen: Option<String>,
    /// Obey lines on stdin and end with it: how the demo holds its pods.
    #[arg(long, hide = true)]
    pub(crate) control: bool,
    #[command(flatten)]
    pub(crate) tls: ServerTlsArgs,
}

/// What clients may have of a pod.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// How many calls a client may have open on one connection.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) max_concurrent_streams: u32,
    /// How many calls all clients together may have open; further ones are refused unprocessed.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) max_calls: usize,
    /// How many connections all clients together may have; further ones are closed.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) max_connections: usize,
    /// How many MiB clients can make the pod hold, with calls that wait, half messages and the like.
    #[arg(long, value_name = "MIB", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(crate) memory_budget: u32,
    /// How many bytes of metadata a request may have.
    #[arg(long, value_name = "BYTES", default_value_t = 16_384)]
    pub(crate) max_header_list_size: u32,
}

/// Call a service over one channel and show which pod gets how much.
///
/// Counts from when every endpoint is connected or has failed to be, but waits no longer than 5 s for that, and says how
/// long it took. A pod's share is of the calls made to it, answered or not. Ctrl-C ends it with its summary and exit
/// status 130; SIGTERM, and Ctrl-C with --forever, with the status of what was seen until then.
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
    /// For how long [default: 10s, unless -n is given]. With -n, whichever comes first.
    #[arg(short = 'z', long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) duration: Option<Duration>,
    /// How many calls in all.
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) calls: Option<u64>,
    /// Until a signal, with one line on stdout per interval: for logs. With -o json each line is a document.
    #[arg(long, conflicts_with_all = ["duration", "calls"])]
    pub(crate) forever: bool,
    /// The interval of --forever.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse_positive)]
    pub(crate) interval: Duration,
    /// What must hold of the whole run, else the exit status is 1. Can be given several times: max-share=0.4 (no pod
    /// gets more than this part of the calls), pods=5 (so many pods answer), failed=0 (so many calls fail at most,
    /// and none where it is not given), p99=10ms (99 % of the calls take no longer; also p50, p90, p999 and max).
    #[arg(long = "assert", value_name = "WHAT=VALUE", value_parser = assertion::parse)]
    pub(crate) assertions: Vec<Assertion>,
    /// The deadline of each call.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::parse_positive)]
    pub(crate) timeout: Duration,
    /// Let calls wait for a pod instead of failing while none can be reached.
    #[arg(long)]
    pub(crate) wait_for_ready: bool,
    /// When to look the name up again: ttl, disconnect (no more than once in 30 s), disconnect:1s, or an interval such as 5s.
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

/// Show what a channel would be told: the endpoints, and each DNS question with its answer.
///
/// Connects to nothing. Several targets stand side by side, for example the name of a ClusterIP Service and that of
/// the headless one beside it. Exit status 0 when every target has an address, 1 when one has none, 3 when nobody
/// could be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct ResolveArgs {
    /// What to resolve, as gRPC names it: host:port, dns:///host:port, dns://server/host:port,…
    #[arg(required = true, value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Go on, and print a line per change, until a signal.
    #[arg(long)]
    pub(crate) watch: bool,
    /// When to look the name up again, with --watch: ttl, disconnect (no more than once in 30 s), disconnect:1s, or an
    /// interval such as 5s.
    #[arg(long, value_name = "WHEN", default_value = "ttl", value_parser = words::refresh)]
    pub(crate) refresh: Refresh,
    /// How to print it: json is one document, jsonl one line per target, or with --watch per change.
    #[arg(short, long, value_enum, default_value_t = ResolveOutput::Table)]
    pub(crate) output: ResolveOutput,
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
    /// Write a page for browsers too, with a chart of each act: one file that needs no network.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// Print what lets a shell complete this command's words: for example `source <(evenkeel completions bash)`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Print the manual page of this command, or of one of its subcommands: for example `evenkeel man load | man -l -`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The subcommand.
    #[arg(value_parser = ["serve", "load", "resolve", "demo", "completions", "man"])]
    pub(crate) command: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Table,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolveOutput {
    Table,
    Json,
    Jsonl,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        super::Args::command().debug_assert();
    }

    #[test]
    fn every_subcommand_has_a_manual_page() {
        let whole = super::Args::command();
        for command in whole.get_subcommands() {
            let words = ["evenkeel", "man", command.get_name()];
            assert!(whole.clone().try_get_matches_from(words).is_ok(), "{words:?}");
        }
    }
}
