//! `evenkeel load`: calls on one channel, and who answered them.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use evenkeel::{Channel, Observer};

use super::signals::Interrupts;
use crate::args::Output;
use crate::exit::{RunError, Verdict};
use crate::load::{self, Caller, Finding, REDRAW, Stop, Summary, Watch, assess};
use crate::plan::{LoadPlan, Surroundings};
use crate::render::{self, Now, Screen, Style, View};

/// A load, and all that is known of it.
struct Run<'a> {
    plan: &'a LoadPlan,
    channel: Channel,
    caller: Arc<Caller>,
    watch: Arc<Watch>,
}

pub(super) async fn run(
    plan: &LoadPlan,
    surroundings: Surroundings,
    screen: &Screen,
) -> Result<Verdict, RunError> {
    let run = Run::new(plan)?;
    let mut interrupts = Interrupts::listen()?;
    let (stop, stopped) = Stop::new();
    let interrupted = async {
        interrupts.next().await;
        // Calls in flight still count; whoever cannot wait for them interrupts again.
        stop.stop();
        interrupts.next().await;
    };
    tokio::select! {
        () = load::run(&run.caller, &plan.calls, stopped) => {}
        () = run.show(screen) => {}
        result = run.print_intervals(screen) => result?,
        () = interrupted => {}
    }
    run.channel.close().await;
    screen.clear();
    run.conclude(surroundings, screen)
}

impl<'a> Run<'a> {
    fn new(plan: &'a LoadPlan) -> Result<Self, RunError> {
        let start = Instant::now();
        let watch = Arc::new(Watch::new(start));
        let mut channel = Channel::builder(plan.target.as_str())
            .refresh(plan.refresh)
            .wait_for_ready(plan.wait_for_ready)
            .observer(Arc::clone(&watch) as Arc<dyn Observer>);
        if let Some(authority) = &plan.authority {
            channel = channel.authority(authority);
        }
        if let Some(tls) = &plan.tls {
            channel = channel.tls(tls.clone());
        }
        let channel = channel.build()?;
        let mut caller = Caller::new(channel.clone(), &plan.calls, start);
        if plan.interval.is_some() {
            caller = caller.by_interval();
        }
        Ok(Self { plan, channel, caller: Arc::new(caller), watch })
    }

    /// Draws the table again and again.
    async fn show(&self, screen: &Screen) {
        loop {
            tokio::time::sleep(REDRAW).await;
            if screen.is_live() {
                screen.draw(self.live_table(screen));
            }
        }
    }

    fn live_table(&self, screen: &Screen) -> String {
        let connections = self.channel.connections();
        let in_flight = connections.iter().map(|one| (one.address().to_string(), one.calls_in_flight()));
        let now = Now { in_flight: in_flight.collect(), height: screen.height() };
        let (summary, seen) = (self.caller.summary(&self.plan.target), self.watch.seen());
        let view = View { summary: &summary, seen: &seen, now: Some(&now) };
        render::load_table(view, Style { colour: true })
    }

    /// Prints a line per interval; without intervals, never returns.
    async fn print_intervals(&self, screen: &Screen) -> Result<(), RunError> {
        let Some(interval) = self.plan.interval else { return std::future::pending().await };
        loop {
            tokio::time::sleep(interval).await;
            // Where both go to one terminal, the line takes the table's place; the table is drawn anew below it.
            screen.clear();
            self.print_interval()?;
        }
    }

    fn print_interval(&self) -> Result<(), RunError> {
        let time = render::utc(SystemTime::now());
        let summary = self.caller.interval(&self.plan.target);
        render::to_stdout(&match self.plan.output {
            Output::Json => render::interval_json(&time, &summary),
            Output::Table => render::interval_line(&time, &summary, &self.watch.seen()),
        })
    }

    /// Says what came of it all.
    fn conclude(&self, surroundings: Surroundings, screen: &Screen) -> Result<Verdict, RunError> {
        let summary = self.caller.summary(&self.plan.target);
        let findings = assess(&self.plan.assertions, &summary);
        let broken = findings.iter().filter_map(|finding| Some((finding.assertion, finding.but.as_ref()?)));
        let mut verdict = Verdict::Passed;
        for (assertion, but) in broken {
            verdict = Verdict::Failed;
            if !self.plan.assertions.is_empty() {
                screen.line(&format!("evenkeel: {assertion} does not hold: {but}"));
            }
        }
        verdict.after(self.print(&summary, &findings, Style { colour: surroundings.colour }))
    }

    fn print(&self, summary: &Summary, findings: &[Finding], style: Style) -> Result<(), RunError> {
        if self.plan.interval.is_some() {
            self.print_interval()?;
        }
        match (self.plan.output, self.plan.interval) {
            // Its lines have said it all, and each is a document of one form.
            (Output::Json, Some(_)) => Ok(()),
            (Output::Json, None) => render::to_stdout(&render::load_json(summary, findings)),
            (Output::Table, _) => {
                let view = View { summary, seen: &self.watch.seen(), now: None };
                let demanded = if self.plan.assertions.is_empty() { &[] } else { findings };
                let table = render::load_table(view, style);
                render::to_stdout(&format!("{table}{}", render::findings(demanded, style)))
            }
        }
    }
}
