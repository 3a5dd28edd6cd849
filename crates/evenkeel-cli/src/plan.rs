//! From what was typed to what to do: every default and every question to the surroundings answered once.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::Shell;
use evenkeel::{ClientTls, Refresh};
use evenkeel_load::{CallPlan, Limit, Pace};

use crate::args::{Args, Assertion, Command, LoadArgs, Output, ResolveArgs, ServeArgs};

/// What a load without `-z` and `-n` lasts.
const DEFAULT_DURATION: Duration = Duration::from_secs(10);

/// One run, resolved.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) task: Task,
    pub(crate) surroundings: Surroundings,
}

#[derive(Debug)]
pub(crate) enum Task {
    Serve(ServeArgs),
    Load(LoadPlan),
    Resolve(ResolveArgs),
    Demo { output: Output, report: Option<PathBuf> },
    Completions(Shell),
    Man(Option<String>),
}

/// What the terminal allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// stderr is a terminal that can be drawn on: tables refresh in place.
    pub(crate) live: bool,
    /// And colours are welcome there: for those tables, and for log lines.
    pub(crate) live_colour: bool,
    /// stdout is one where colours are welcome: the final tables have them.
    pub(crate) colour: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct LoadPlan {
    pub(crate) target: String,
    pub(crate) authority: Option<String>,
    /// `None` is plain text.
    pub(crate) tls: Option<ClientTls>,
    pub(crate) refresh: Refresh,
    pub(crate) wait_for_ready: bool,
    pub(crate) calls: CallPlan,
    /// How often a line is printed meanwhile; `None` prints only the end.
    pub(crate) interval: Option<Duration>,
    pub(crate) assertions: Vec<Assertion>,
    pub(crate) output: Output,
}

impl Plan {
    pub(crate) fn new(args: Args, surroundings: Surroundings) -> Self {
        let task = match args.command {
            Command::Serve(serve) => Task::Serve(serve),
            Command::Load(load) => Task::Load(LoadPlan::from(load)),
            Command::Resolve(resolve) => Task::Resolve(resolve),
            Command::Demo(demo) => Task::Demo {
                output: if demo.json { Output::Json } else { Output::Table },
                report: demo.report,
            },
            Command::Completions(completions) => Task::Completions(completions.shell),
            Command::Man(man) => Task::Man(man.command),
        };
        Self { task, surroundings }
    }
}

impl Surroundings {
    /// Asks the process' environment.
    pub(crate) fn detect() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self::new(no_color, is_dumb, std::io::stderr().is_terminal(), std::io::stdout().is_terminal())
    }

    /// NO_COLOR takes colours away and nothing else (<https://no-color.org>); a dumb terminal cannot go back up.
    fn new(no_color: bool, is_dumb: bool, stderr: bool, stdout: bool) -> Self {
        let [live, colour] = [stderr, stdout].map(|is_terminal| is_terminal && !is_dumb);
        Self { live, live_colour: live && !no_color, colour: colour && !no_color }
    }
}

impl From<LoadArgs> for LoadPlan {
    fn from(args: LoadArgs) -> Self {
        let workers = usize::try_from(args.concurrency).unwrap_or(usize::MAX);
        let limit = match (args.calls, args.duration) {
            _ if args.forever => Limit::Never,
            (Some(calls), Some(duration)) => Limit::First { duration, calls },
            (Some(calls), None) => Limit::Calls(calls),
            (None, duration) => Limit::After(duration.unwrap_or(DEFAULT_DURATION)),
        };
        let calls = CallPlan {
            method: args.method,
            timeout: args.timeout,
            pace: Pace::new(workers, args.rate, args.timeout),
            limit,
        };
        let tls = args.tls.settings();
        let interval = args.forever.then_some(args.interval);
        let LoadArgs { target, authority, refresh, wait_for_ready, assertions, output, .. } = args;
        Self { target, authority, tls, refresh, wait_for_ready, calls, interval, assertions, output }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Duration, Limit, Pace, Plan, Surroundings, Task};
    use crate::args::Args;

    fn load(words: &[&str]) -> super::LoadPlan {
        let args = Args::try_parse_from(["evenkeel", "load", "a:1"].iter().chain(words)).expect("must parse");
        let plan = Plan::new(args, Surroundings::new(false, false, false, false));
        let Task::Load(load) = plan.task else { panic!("not a load") };
        load
    }

    #[test]
    fn limits() {
        assert_eq!(load(&[]).calls.limit, Limit::After(Duration::from_secs(10)));
        assert_eq!(load(&["-z", "1m"]).calls.limit, Limit::After(Duration::from_secs(60)));
        assert_eq!(load(&["-n", "7"]).calls.limit, Limit::Calls(7));
        let first = Limit::First { duration: Duration::from_secs(60), calls: 7 };
        assert_eq!(load(&["-n", "7", "-z", "1m"]).calls.limit, first);
        assert_eq!(load(&[]).interval, None);
        let forever = load(&["--forever", "--interval", "2s"]);
        assert_eq!((forever.calls.limit, forever.interval), (Limit::Never, Some(Duration::from_secs(2))));
    }

    #[test]
    fn no_color_is_about_colours_alone() {
        let of = |no_color, is_dumb| {
            let all = Surroundings::new(no_color, is_dumb, true, true);
            [all.live, all.live_colour, all.colour]
        };
        assert_eq!(of(false, false), [true, true, true]);
        assert_eq!(of(true, false), [true, false, false]);
        assert_eq!(of(false, true), [false, false, false]);
        let piped = Surroundings::new(false, false, true, false);
        assert_eq!([piped.live, piped.live_colour, piped.colour], [true, true, false]);
    }

    #[test]
    fn any_flag_of_tls_means_tls() {
        assert!(load(&["--authority", "pod.test"]).tls.is_none());
        for words in
            [&["--tls"][..], &["--insecure"], &["--cacert", "ca.pem"], &["--cert", "c.pem", "--key", "k.pem"]]
        {
            assert!(load(words).tls.is_some(), "{words:?}");
        }
    }

    #[test]
    fn a_rate_makes_an_open_loop() {
        assert_eq!(load(&["-c", "3"]).calls.pace, Pace::Closed { workers: 3 });
        let open = load(&["--rate", "500", "--timeout", "1s"]).calls.pace;
        assert_eq!(open, Pace::Open { rate: 500.0, in_flight: 551 });
    }
}
