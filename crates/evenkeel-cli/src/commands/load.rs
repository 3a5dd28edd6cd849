//! `evenkeel load`: calls on one channel, and who answered them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use evenkeel::{Channel, Observer};
use evenkeel_load::{Caller, Connected, Limit, Stop, Summary, Watch, progress, until_connected};

use super::signals::{Asked, Interrupts};
use crate::args::Output;
use crate::assess::{Finding, assess};
use crate::exit::{NO_SCHEDULE, RunError, Verdict};
use crate::plan::{LoadPlan, Surroundings};
use crate::render::{self, Now, REDRAW, Screen, Style, View};

/// A load, and all that is known of it.
struct Run<'a> {
    plan: &'a LoadPlan,
    surroundings: Surroundings,
    channel: Channel,
    caller: Arc<Caller>,
    watch: Arc<Watch>,
    connected: Connected,
}

pub(super) async fn run(
    plan: &LoadPlan,
    surroundings: Surroundings,
    screen: &Screen,
) -> Result<Verdict, RunError> {
    let watch = Arc::new(Watch::new(Instant::now()));
    let channel = channel(plan, &watch)?;
    let mut interrupts = Interrupts::listen()?;
    let before = connect(plan, surroundings, screen, &channel, &watch);
    let (connected, mut asked) = tokio::select! {
        connected = before => (connected, None),
        asked = interrupts.which() => (progress(&channel, &watch), Some(asked)),
    };
    let run = Run::new(plan, surroundings, channel, watch, connected);
    if asked.is_none() {
        asked = run.make_calls(&mut interrupts, screen).await?;
    }
    run.channel.close().await;
    screen.clear();
    let verdict = run.conclude(screen)?;
    // A run with an end was not let come to it; one without has no other end.
    let is_cut_short = asked == Some(Asked::Interrupt) && plan.calls.limit != Limit::Never;
    Ok(if is_cut_short { Verdict::Interrupted } else { verdict })
}

fn channel(plan: &LoadPlan, watch: &Arc<Watch>) -> Result<Channel, RunError> {
    let mut channel = Channel::builder(plan.target.as_str())
        .refresh(plan.refresh)
        .wait_for_ready(plan.wait_for_ready)
        .observer(Arc::clone(watch) as Arc<dyn Observer>);
    if let Some(authority) = &plan.authority {
        channel = channel.authority(authority);
    }
    if let Some(tls) = &plan.tls {
        channel = channel.tls(tls.clone());
    }
    Ok(channel.build()?)
}

/// Waits for the endpoints, and shows them meanwhile.
async fn connect(
    plan: &LoadPlan,
    surroundings: Surroundings,
    screen: &Screen,
    channel: &Channel,
    watch: &Watch,
) -> Connected {
    let nothing = Summary::none(&plan.target);
    let show = async {
        loop {
            tokio::time::sleep(REDRAW).await;
            if screen.is_live() {
                let (seen, now) = (watch.seen(), now(channel, screen));
                let connected = progress(channel, watch);
                let width = screen.columns();
                let view = View { summary: &nothing, seen: &seen, connected, width, now: Some(&now) };
                screen.draw(render::load_table(view, Style { colour: surroundings.live_colour }));
            }
        }
    };
    tokio::select! {
        () = until_connected(channel, watch, plan.wait_for_ready) => {}
        () = show => {}
    }
    progress(channel, watch)
}

/// What only this moment knows.
fn now(channel: &Channel, screen: &Screen) -> Now {
    let connections = channel.connections();
    let in_flight = connections.iter().map(|one| (one.address().to_string(), one.calls_in_flight()));
    Now { in_flight: in_flight.collect(), height: screen.height() }
}

impl<'a> Run<'a> {
    /// The load begins.
    fn new(
        plan: &'a LoadPlan,
        surroundings: Surroundings,
        channel: Channel,
        watch: Arc<Watch>,
        connected: Connected,
    ) -> Self {
        let start = Instant::now();
        watch.begin(start);
        let mut caller = Caller::new(channel.clone(), &plan.calls, start).watched_by(Arc::clone(&watch));
        if plan.interval.is_some() {
            caller = caller.by_interval();
        }
        Self { plan, surroundings, channel, caller: Arc::new(caller), watch, connected }
    }

    /// Makes the calls; says by which signal they were ended before their time, if by one.
    async fn make_calls(
        &self,
        interrupts: &mut Interrupts,
        screen: &Screen,
    ) -> Result<Option<Asked>, RunError> {
        let (stop, stopped) = Stop::new();
        let first = Mutex::new(None);
        let interrupted = async {
            let asked = interrupts.which().await;
            *first.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
            // Calls in flight still count; whoever cannot wait for them interrupts again.
            stop.stop();
            interrupts.next().await;
        };
        tokio::select! {
            ran = evenkeel_load::run(&self.caller, &self.plan.calls, stopped) => {
                ran.map_err(RunError::system(NO_SCHEDULE))?;
            }
            () = self.show(screen) => {}
            result = self.print_intervals(screen) => result?,
            () = interrupted => {}
        }
        Ok(first.into_inner().unwrap_or_else(PoisonError::into_inner))
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
        let now = now(&self.channel, screen);
        let (summary, seen) = (self.caller.summary(&self.plan.target), self.watch.seen());
        let view = View {
            summary: &summary,
            seen: &seen,
            connected: self.connected,
            width: screen.columns(),
            now: Some(&now),
        };
        render::load_table(view, Style { colour: self.surroundings.live_colour })
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
    fn conclude(&self, screen: &Screen) -> Result<Verdict, RunError> {
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
        verdict.after(self.print(&summary, &findings, screen))
    }

    fn print(&self, summary: &Summary, findings: &[Finding], screen: &Screen) -> Result<(), RunError> {
        if self.plan.interval.is_some() {
            self.print_interval()?;
        }
        match (self.plan.output, self.plan.interval) {
            // Its lines have said it all, and each is a document of one form.
            (Output::Json, Some(_)) => Ok(()),
            (Output::Json, None) => render::to_stdout(&render::load_json(summary, self.connected, findings)),
            (Output::Table, _) => {
                let style = Style { colour: self.surroundings.colour };
                let width = screen.columns_of_stdout();
                let view =
                    View { summary, seen: &self.watch.seen(), connected: self.connected, width, now: None };
                let demanded = if self.plan.assertions.is_empty() { &[] } else { findings };
                let table = render::load_table(view, style);
                render::to_stdout(&format!("{table}{}", render::findings(demanded, style)))
            }
        }
    }
}
