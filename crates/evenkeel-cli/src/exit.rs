//! How a run ends: the one place that decides exit codes.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use evenkeel::BuildError;
use evenkeel_demo::{ClusterError, PlayError};

/// How a command that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All calls succeeded, all claims hold, the drain cut nothing.
    Passed,
    /// A call failed, a claim or an assertion does not hold, a name has no address, or the drain cut calls.
    Failed,
    /// Ctrl-C came before its end.
    Interrupted,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Arguments(#[from] clap::Error),
    #[error(transparent)]
    Target(#[from] BuildError),
    #[error(transparent)]
    Bind(#[from] evenkeel::BindError),
    #[error(transparent)]
    Serve(#[from] evenkeel::ServeError),
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("demo: {0}")]
    Cluster(#[from] ClusterError),
    #[error("{0}")]
    Unresolved(String),
    #[error("interrupted")]
    Interrupted,
    #[error("cannot write: {0}")]
    Output(io::Error),
    #[error("the report cannot be written to {path}: {cause}", path = path.display())]
    Report { path: PathBuf, cause: io::Error },
    #[error("{what}: {cause}")]
    System { what: &'static str, cause: io::Error },
}

impl From<PlayError> for RunError {
    fn from(error: PlayError) -> Self {
        match error {
            PlayError::Client(error) => Self::Target(error),
            PlayError::Cluster(error) => Self::Cluster(error),
            PlayError::Load(cause) => Self::System { what: NO_SCHEDULE, cause },
        }
    }
}

/// What fails where the system has no thread left.
pub(crate) const NO_SCHEDULE: &str = "no thread for the schedule of calls";

impl RunError {
    /// Wraps an operating-system error with what was being done.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::System { what, cause }
    }
}

impl Verdict {
    /// The verdict, after the last of it was printed. That nobody reads it any more does not change it.
    ///
    /// # Errors
    /// When it could not be written for another reason.
    pub(crate) fn after(self, printed: Result<(), RunError>) -> Result<Self, RunError> {
        match printed {
            Err(RunError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(self),
            printed => printed.map(|()| self),
        }
    }
}

/// The exit status of a run: 0 ok, 1 a call, claim or assertion failed or a name has no address, 2 usage, 3 could not run,
/// 130 interrupted.
pub(crate) fn code(result: &Result<Verdict, RunError>) -> ExitCode {
    ExitCode::from(match result {
        Ok(Verdict::Passed) => 0,
        Ok(Verdict::Failed) => 1,
        // What a shell makes of SIGINT: a script that runs it ends as well.
        Ok(Verdict::Interrupted) => 130,
        // `--help` and `--version` come as errors too, and are none.
        Err(RunError::Arguments(error)) if !error.use_stderr() => 0,
        // What stands in the files is not what was typed.
        Err(RunError::Target(BuildError::Tls(error))) if error.is_material() => 3,
        Err(RunError::Arguments(_) | RunError::Target(_)) => 2,
        // Whoever closed the pipe has read what they wanted (`evenkeel … | head`).
        Err(RunError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(_) => 3,
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::process::ExitCode;

    use clap::Parser;

    use super::{RunError, Verdict, code};
    use crate::args::Args;

    fn arguments(words: &[&str]) -> Result<Verdict, RunError> {
        Err(RunError::Arguments(Args::try_parse_from(words).expect_err("must not parse")))
    }

    fn output(kind: io::ErrorKind) -> Result<Verdict, RunError> {
        Err(RunError::Output(kind.into()))
    }

    #[test]
    fn a_verdict_stands_without_a_reader_but_not_on_a_full_disk() {
        let printed = |kind: io::ErrorKind| Err(RunError::Output(kind.into()));
        for verdict in [Verdict::Passed, Verdict::Failed] {
            assert_eq!(verdict.after(Ok(())).ok(), Some(verdict));
            assert_eq!(verdict.after(printed(io::ErrorKind::BrokenPipe)).ok(), Some(verdict));
            assert!(verdict.after(printed(io::ErrorKind::StorageFull)).is_err());
        }
    }

    #[test]
    fn every_code() {
        let cases = [
            (Ok(Verdict::Passed), 0),
            (Ok(Verdict::Failed), 1),
            (Ok(Verdict::Interrupted), 130),
            (arguments(&["evenkeel", "--help"]), 0),
            (arguments(&["evenkeel", "fly"]), 2),
            (output(io::ErrorKind::BrokenPipe), 0),
            (output(io::ErrorKind::StorageFull), 3),
            (Err(RunError::Interrupted), 3),
            (Err(RunError::Unresolved(String::new())), 3),
        ];
        for (result, expected) in cases {
            assert_eq!(code(&result), ExitCode::from(expected), "{result:?}");
        }
    }
}
