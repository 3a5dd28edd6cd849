//! `evenkeel demo`: the acts, and their verdict.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use evenkeel_demo::{Act, Cluster, Lane, Report, Stage, acts, pods_in_all};
use evenkeel_load::Summary;

use super::signals::Interrupts;
use crate::args::Output;
use crate::exit::{RunError, Verdict};
use crate::plan::Surroundings;
use crate::render::{self, Screen, Style};

/// What is logged unless the environment says otherwise. The acts make a client warn of ClusterIPs, dead pods and failed
/// lookups; they say so themselves, and a warning that is part of the play must not look like one of the demo's own.
pub(super) const LOG: &str =
    "warn,evenkeel::client::resolve::dns::single_address=error,evenkeel::observe::log=error";

/// Where what is played is seen.
struct House<'a> {
    output: Output,
    surroundings: Surroundings,
    screen: &'a Screen,
    acts: &'a [Act],
    program: Mutex<Program>,
}

/// What has been seen so far.
#[derive(Default)]
struct Program {
    /// By act. They are printed in order, however they end.
    reports: Vec<Option<Report>>,
    printed: usize,
    /// What the live tables of the lanes show, the front's first.
    frames: [String; Lane::ALL.len()],
}

pub(super) async fn run(
    output: Output,
    page: Option<&Path>,
    surroundings: Surroundings,
    screen: &Screen,
) -> Result<Verdict, RunError> {
    // Before all the work, not after it; what stands there stays until there is something better.
    let file = page.map(open).transpose()?;
    let mut interrupts = Interrupts::listen()?;
    // Dropping the play, wherever it stands, ends its pods.
    let reports = tokio::select! {
        reports = play(output, surroundings, screen) => reports?,
        () = interrupts.next() => {
            screen.clear();
            return Err(RunError::Interrupted);
        }
    };
    if let (Some(mut file), Some(path)) = (file, page) {
        let version = concat!("evenkeel ", env!("CARGO_PKG_VERSION"));
        let text = evenkeel_demo::page(&reports, version, &render::utc(SystemTime::now()));
        let written = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
        written.map_err(|cause| cannot_write(path, cause))?;
        screen.line(&format!("evenkeel: the report is in {}", path.display()));
    }
    let printed = render::to_stdout(&match output {
        Output::Json => render::demo_json(&reports),
        Output::Table => render::demo_table(&reports, Style { colour: surroundings.colour }),
    });
    // The table has said it already.
    let untold = |report: &&Report| output == Output::Json && !report.holds();
    for report in reports.iter().filter(untold) {
        let verdict = report.about.role.verdict(false);
        screen.line(&format!("evenkeel: {} {verdict}: {}", report.id, report.broken.join("; ")));
    }
    let verdict = if reports.iter().all(Report::holds) { Verdict::Passed } else { Verdict::Failed };
    verdict.after(printed)
}

fn open(path: &Path) -> Result<File, RunError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    file.map_err(|cause| cannot_write(path, cause))
}

fn cannot_write(path: &Path, cause: std::io::Error) -> RunError {
    RunError::Report { path: path.to_owned(), cause }
}

async fn play(output: Output, surroundings: Surroundings, screen: &Screen) -> Result<Vec<Report>, RunError> {
    let acts = acts();
    // Pods are processes of this very program.
    let itself = std::env::current_exe().map_err(RunError::system("this program does not find itself"))?;
    let cluster = Arc::new(Cluster::start(itself, pods_in_all()).await?);
    let program = Program { reports: vec![None; acts.len()], ..Program::default() };
    let house = House { output, surroundings, screen, acts: &acts, program: Mutex::new(program) };
    let [front, back, side] = Lane::ALL.map(|lane| house.play(lane, &cluster));
    tokio::try_join!(front, back, side)?;
    let program = house.program.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(program.reports.into_iter().flatten().collect())
}

impl House<'_> {
    /// Plays the acts of one lane.
    async fn play(&self, lane: Lane, cluster: &Arc<Cluster>) -> Result<(), RunError> {
        let mut stage = Stage::new(Arc::clone(cluster));
        for (index, act) in self.acts.iter().enumerate().filter(|(_, act)| act.lane == lane) {
            let heading = self.announce(act, index + 1);
            let report = stage.play(act, |summary| self.draw(act, &heading, summary)).await?;
            self.on_report(index, act.lane, report)?;
        }
        stage.clear().await;
        Ok(())
    }

    /// Says which act begins: above the live table, or as a line of progress where there is none.
    fn announce(&self, act: &Act, number: usize) -> String {
        let of = self.acts.len();
        if !self.screen.is_live() {
            let meanwhile = if act.lane == Lane::Front { "" } else { ", meanwhile" };
            let seconds = act.duration.as_secs_f64();
            let role = act.about.role.word();
            self.screen
                .line(&format!("act {number} of {of}: {} ({role}, {seconds:.0} s{meanwhile})", act.id));
        }
        render::act_heading(act, number, of, self.live_style())
    }

    /// The first lane that plays has a table; those behind it have a line each.
    fn draw(&self, act: &Act, heading: &str, summary: &Summary) {
        let table = || format!("{heading}{}", render::act_progress(summary, self.live_style()));
        let mut program = self.program.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, its) = program.frames.split_at_mut(act.lane as usize);
        let is_first = before.iter().all(String::is_empty);
        if let Some(frame) = its.first_mut() {
            *frame = if is_first { table() } else { render::meanwhile(act, summary, self.live_style()) };
        }
        self.screen.draw(program.frames.concat());
    }

    /// Prints what can be printed in order.
    fn on_report(&self, index: usize, lane: Lane, report: Report) -> Result<(), RunError> {
        let mut program = self.program.lock().unwrap_or_else(PoisonError::into_inner);
        let program = &mut *program;
        if let Some(place) = program.reports.get_mut(index) {
            *place = Some(report);
        }
        if let Some(frame) = program.frames.get_mut(lane as usize) {
            frame.clear();
        }
        self.screen.clear();
        while let Some(Some(report)) = program.reports.get(program.printed) {
            if self.output == Output::Table {
                let style = Style { colour: self.surroundings.colour };
                render::to_stdout(&render::act_table(report, style))?;
            }
            program.printed += 1;
        }
        Ok(())
    }

    fn live_style(&self) -> Style {
        Style { colour: self.surroundings.live_colour }
    }
}
