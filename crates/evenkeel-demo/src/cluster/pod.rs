//! A pod: a process of its own, held by its stdin.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::error::ClusterError;

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
    /// What it said last on stderr, once it has ended.
    last_line: Option<JoinHandle<String>>,
}

/// A pod's own report of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The calls it answered in its whole life.
    pub(crate) served: u64,
    /// Its drain cut no call off.
    pub(crate) is_clean: bool,
}

impl Pod {
    /// Starts a pod of this program; `flags` are more of `evenkeel serve`'s.
    ///
    /// # Errors
    /// When the process could not be started.
    pub(crate) fn start(
        program: &Path,
        name: String,
        address: SocketAddr,
        flags: &[String],
    ) -> Result<Self, ClusterError> {
        let failed = |cause| ClusterError::PodStart { pod: name.clone(), cause };
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
        Ok(Self { name, address, child, stdin, stdout: BufReader::new(stdout).lines(), last_line: None })
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

    /// Sends SIGTERM: it drains, and [`Pod::ended`] says when it has.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until a pod that was terminated has ended.
    ///
    /// # Errors
    /// When it does not end in time, or says nothing of its end.
    pub(crate) async fn ended(mut self, limit: Duration) -> Result<Ended, ClusterError> {
        let silent = ClusterError::PodSilent { pod: self.name };
        let (Ok(Ok(status)), Some(last_line)) = (timeout(limit, self.child.wait()).await, self.last_line)
        else {
            return Err(silent);
        };
        let line = timeout(REPLY_LIMIT, last_line).await;
        match line.ok().and_then(Result::ok).as_deref().and_then(calls_in_last_line) {
            Some(served) => Ok(Ended { served, is_clean: status.success() }),
            None => Err(silent),
        }
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

    fn signal(&self, signal: Signal) {
        // As long as nobody has waited for the child, its id is nobody else's. That it has ended already, its end says.
        if let Some(id) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process(id, signal);
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
        self.last_line = Some(tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            let mut last = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::debug!(%pod, "{line}");
                last = line;
            }
            last
        }));
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

/// The count in `served 12 calls` or `served 1 call, cut 2 calls`, which is how `evenkeel serve` takes its leave.
fn calls_in_last_line(line: &str) -> Option<u64> {
    line.strip_prefix("served ")?.split_once(' ')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::calls_in_last_line;

    #[test]
    fn a_pods_last_line() {
        assert_eq!(calls_in_last_line("served 1 call"), Some(1));
        assert_eq!(calls_in_last_line("served 120 calls, cut 2 calls"), Some(120));
        assert_eq!(calls_in_last_line("listening 127.0.0.1:1"), None);
        assert_eq!(calls_in_last_line(""), None);
    }
}
