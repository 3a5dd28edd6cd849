//! A pod: this very program as a process of its own, held by its stdin.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::ClusterError;

/// A pod that is not up by then will not be.
const START_LIMIT: Duration = Duration::from_secs(10);
/// A pod answers through its pipe, at once unless the machine is very busy.
const REPLY_LIMIT: Duration = Duration::from_secs(5);
/// How long a pod may take to end after its stdin has.
const END_LIMIT: Duration = Duration::from_secs(2);

/// A running pod.
///
/// It cannot outlive this process: it ends when its stdin does, and the system closes that however we end. Dropping it
/// kills it.
#[derive(Debug)]
pub(crate) struct Pod {
    name: String,
    address: SocketAddr,
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Pod {
    /// Starts a pod; `flags` are more of `evenkeel serve`'s.
    ///
    /// # Errors
    /// When the process could not be started.
    pub(crate) fn start(name: String, address: SocketAddr, flags: &[String]) -> Result<Self, ClusterError> {
        let failed = |cause| ClusterError::PodStart { pod: name.clone(), cause };
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .args(["serve", "--control", "--name", &name, "--listen", &address.to_string()])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at a terminal reaches the whole process group, and a pod's end is ours to choose.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Self { name, address, child, stdin, stdout: BufReader::new(stdout).lines() })
    }

    /// Waits until it listens.
    ///
    /// # Errors
    /// When it does not come to listen; its own words are in the error.
    pub(crate) async fn ready(mut self) -> Result<Self, ClusterError> {
        match self.line(START_LIMIT).await {
            Some(line) if line.starts_with("listening ") => {
                self.log_stderr();
                Ok(self)
            }
            _ => Err(self.last_words().await),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many calls it has served, by its own count.
    ///
    /// # Errors
    /// When it does not say.
    pub(crate) async fn calls(&mut self) -> Result<u64, ClusterError> {
        // If the pod is gone, the missing answer says so.
        let _ = self.stdin.write_all(b"calls\n").await;
        let line = self.line(REPLY_LIMIT).await;
        line.as_deref()
            .and_then(|line| line.strip_prefix("calls "))
            .and_then(|count| count.parse().ok())
            .ok_or_else(|| ClusterError::PodSilent { pod: self.name.clone() })
    }

    /// Ends the pod.
    pub(crate) async fn end(self) {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        if timeout(END_LIMIT, child.wait()).await.is_err() {
            // Dropping it would do, but not wait for it.
            let _ = child.kill().await;
        }
    }

    async fn line(&mut self, limit: Duration) -> Option<String> {
        timeout(limit, self.stdout.next_line()).await.ok()?.ok()?
    }

    /// A pipe that nobody reads would in time block the pod; what it says is a log's, so it goes there.
    fn log_stderr(&mut self) {
        let Some(stderr) = self.child.stderr.take() else { return };
        let pod = self.name.clone();
        // Ends with the pod.
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::debug!(%pod, "{line}");
            }
        });
    }

    async fn last_words(mut self) -> ClusterError {
        let mut words = String::new();
        let _ = self.child.start_kill();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = timeout(END_LIMIT, stderr.read_to_string(&mut words)).await;
        }
        ClusterError::PodFailed { pod: self.name, words: words.trim().to_owned() }
    }
}
