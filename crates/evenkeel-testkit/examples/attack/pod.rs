//! The server under attack: `evenkeel serve` as deploy/base/school-internal.yaml starts it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, timeout};

/// One server process. Dropping it kills it.
pub(crate) struct Pod {
    child: Child,
    id: u32,
    pub(crate) address: SocketAddr,
    // A pipe that nobody holds would end the server at its next line.
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// Memory in KiB, from /proc.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    /// The most it has been so far.
    pub(crate) peak: u64,
}

impl Pod {
    /// Starts one and waits until it listens.
    pub(crate) async fn start(program: &Path, drain: &str, more: &[String]) -> Self {
        let mut command = Command::new(program);
        command.args(["serve", "--listen=127.0.0.1:0", "--name=attacked", "--lame-duck=0s"]);
        command.args(["--max-connection-age=5m", "--max-connection-age-grace=30s"]);
        command.arg(format!("--drain-timeout={drain}")).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let id = child.id().expect("it runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
        let first = timeout(Duration::from_secs(10), stdout.next_line()).await;
        let line = first.expect("it starts within 10 s").expect("stdout can be read").unwrap_or_default();
        let address = line.strip_prefix("listening ").and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("`serve` says where it listens, not {line:?}"));
        Self { child, id, address, _stdout: stdout }
    }

    /// What it uses; `None` when it has ended.
    pub(crate) async fn memory(&self) -> Option<Memory> {
        let status = tokio::fs::read_to_string(format!("/proc/{}/status", self.id)).await.ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(Memory { now: field("VmRSS:")?, peak: field("VmHWM:")? })
    }

    /// Sends SIGTERM and waits for the end; `None`: not within `patience`.
    pub(crate) async fn terminate(&mut self, patience: Duration) -> Option<Duration> {
        let start = Instant::now();
        let id = i32::try_from(self.id).ok().and_then(Pid::from_raw)?;
        kill_process(id, Signal::TERM).ok()?;
        timeout(patience, self.child.wait()).await.ok()?.ok()?;
        Some(start.elapsed())
    }

    /// Kills it.
    pub(crate) async fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill().await;
    }
}
