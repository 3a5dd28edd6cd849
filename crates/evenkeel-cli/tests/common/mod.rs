//! Running the real command.

#![allow(dead_code, unreachable_pub, reason = "each test binary is a crate of its own and uses a part of it")]

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;

/// A command without the surroundings that would change its output.
pub fn evenkeel(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(words).env_remove("EVENKEEL_LOG").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(words: &[&str]) -> Output {
    evenkeel(words).output().expect("run")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs `evenkeel load` to its end; its exit code and its document.
pub fn load(words: &[&str]) -> (i32, serde_json::Value) {
    let output = evenkeel(&["load", "-o", "json"]).args(words).output().expect("run");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", stderr(&output), String::from_utf8_lossy(&output.stdout))
    });
    (output.status.code().expect("an exit code"), document)
}

/// Waits for what only looking can tell.
#[allow(
    clippy::disallowed_methods,
    reason = "a pause between two looks, not for luck: only the condition ends it"
)]
pub fn poll_until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Sends a signal, for example `TERM`.
pub fn signal(pid: u32, signal: &str) {
    let status = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().expect("kill");
    assert!(status.success(), "kill -{signal} {pid}");
}

/// A running `evenkeel serve`. Dropping it kills it.
pub struct Pod {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Option<JoinHandle<String>>,
    pub address: String,
}

impl Pod {
    /// Starts a pod named `name` on a free port of 127.0.0.1 and waits until it listens.
    pub fn start(name: &str, flags: &[&str]) -> Self {
        let mut child = evenkeel(&["serve", "--control", "--listen", "127.0.0.1:0", "--name", name])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spawn");
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let mut errors = child.stderr.take().expect("stderr");
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).expect("stderr");
            text
        });
        let line = stdout.next().expect("a line").expect("a line");
        let address = line.strip_prefix("listening ").expect("listening").to_owned();
        Self { child, stdin, stdout, stderr: Some(stderr), address }
    }

    pub fn target(&self) -> String {
        format!("ipv4:{}", self.address)
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// The next line that it says by itself.
    pub fn line(&mut self) -> String {
        self.stdout.next().expect("a line").expect("a line")
    }

    /// By its own count.
    pub fn calls(&mut self) -> u64 {
        self.stdin.as_mut().expect("stdin").write_all(b"calls\n").expect("asked");
        let line = self.stdout.next().expect("a line").expect("a line");
        line.strip_prefix("calls ").expect("calls").parse().expect("a number")
    }

    /// Waits for its end; its exit status and what it said on stderr.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("wait");
        (status, self.stderr.take().expect("once").join().expect("stderr"))
    }

    /// Ends its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running `evenkeel serve` in the network namespace of its name. Dropping it kills it.
pub struct RemotePod {
    child: Child,
    pub address: String,
}

impl RemotePod {
    /// Starts it and waits until it listens on `address`.
    pub fn start(name: &str, address: &str) -> Self {
        let mut child = Command::new("nsenter")
            .arg(format!("--net=/run/netns/{name}"))
            .args([env!("CARGO_BIN_EXE_evenkeel"), "serve", "--listen", address, "--name", name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("spawn");
        let line = BufReader::new(child.stdout.take().expect("stdout")).lines().next();
        assert_eq!(line.expect("a line").expect("a line"), format!("listening {address}"));
        Self { child, address: address.to_owned() }
    }

    /// How many connections it has, by its kernel's count.
    pub fn connections(&self) -> usize {
        let list =
            std::fs::read_to_string(format!("/proc/{}/net/tcp", self.child.id())).expect("its sockets");
        let established = |line: &&str| line.split_ascii_whitespace().nth(3) == Some("01");
        list.lines().filter(established).count()
    }
}

impl Drop for RemotePod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
