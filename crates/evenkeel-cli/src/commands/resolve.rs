//! `evenkeel resolve`: what a channel would be told.

use std::time::SystemTime;

use tokio::task::JoinSet;

use super::signals::Interrupts;
use crate::args::{ResolveArgs, ResolveOutput};
use crate::exit::{RunError, Verdict};
use crate::plan::Surroundings;
use crate::render::{self, REDRAW, Screen, Style};
use crate::resolve::{Changes, Found, Lookup, Outcome, Peek};

pub(super) async fn run(
    args: &ResolveArgs,
    surroundings: Surroundings,
    screen: &Screen,
) -> Result<Verdict, RunError> {
    let lookups = args.targets.iter().map(|target| Lookup::new(target, args.refresh));
    let lookups: Vec<Lookup> = lookups.collect::<Result<_, _>>()?;
    if args.watch {
        return watch(args, lookups).await;
    }
    let found = once(lookups, args.output, surroundings, screen).await;
    let printed = render::to_stdout(&match args.output {
        ResolveOutput::Table => {
            let style = Style { colour: surroundings.colour };
            render::resolve_table(&found, screen.columns_of_stdout(), style)
        }
        ResolveOutput::Json => render::resolve_json(&found),
        ResolveOutput::Jsonl => found.iter().map(render::resolve_line).collect(),
    });
    conclude(&found)?.after(printed)
}

/// The first answer for each target, in the targets' order; all are asked at the same time. A live table shows what has come.
async fn once(
    lookups: Vec<Lookup>,
    output: ResolveOutput,
    surroundings: Surroundings,
    screen: &Screen,
) -> Vec<Found> {
    let peeks: Vec<Peek> = lookups.iter().map(Lookup::peek).collect();
    let mut found: Vec<Option<Found>> = peeks.iter().map(|_| None).collect();
    let mut tasks = JoinSet::new();
    for (index, mut lookup) in lookups.into_iter().enumerate() {
        tasks.spawn(async move { (index, lookup.next().await) });
    }
    let mut redraw = tokio::time::interval(REDRAW);
    // The first look comes at once, when there is nothing to see.
    redraw.tick().await;
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(Ok((index, answer))) => if let Some(place) = found.get_mut(index) {
                    *place = answer;
                },
                Some(Err(_)) => {}
                None => break,
            },
            _ = redraw.tick(), if screen.is_live() && output == ResolveOutput::Table => {
                let so_far = peeks.iter().zip(&found);
                let so_far: Vec<Found> =
                    so_far.map(|(peek, found)| found.clone().unwrap_or_else(|| peek.so_far())).collect();
                let style = Style { colour: surroundings.live_colour };
                let table = render::resolve_table(&so_far, screen.columns(), style);
                screen.draw(top(&table, screen.height()));
            }
        }
    }
    screen.clear();
    found.into_iter().flatten().collect()
}

/// As much of a table as a terminal of this height can take back.
fn top(table: &str, height: Option<usize>) -> String {
    // The last line is the cursor's.
    let lines = height.map_or(usize::MAX, |height| height.saturating_sub(1));
    table.lines().take(lines).map(|line| format!("{line}\n")).collect()
}

fn conclude(found: &[Found]) -> Result<Verdict, RunError> {
    let mut verdict = Verdict::Passed;
    for found in found {
        match &found.outcome {
            Outcome::Endpoints(_) => {}
            Outcome::Asking | Outcome::Absent(_) => verdict = Verdict::Failed,
            Outcome::Failed(reason) => return Err(RunError::Unresolved(reason.clone())),
        }
    }
    Ok(verdict)
}

/// Prints changes until a signal, or until no target can change any more.
async fn watch(args: &ResolveArgs, lookups: Vec<Lookup>) -> Result<Verdict, RunError> {
    let mut interrupts = Interrupts::listen()?;
    let (sender, mut answers) = tokio::sync::mpsc::channel(16);
    let mut tasks = JoinSet::new();
    for (index, mut lookup) in lookups.into_iter().enumerate() {
        let sender = sender.clone();
        tasks.spawn(async move {
            while let Some(found) = lookup.next().await {
                if sender.send((index, found)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut known: Vec<Changes> = args.targets.iter().map(|_| Changes::default()).collect();
    let mut sequence = 0;
    loop {
        let (index, found) = tokio::select! {
            answer = answers.recv() => match answer {
                Some(answer) => answer,
                None => return Ok(Verdict::Passed),
            },
            () = interrupts.next() => return Ok(Verdict::Passed),
        };
        let changes = known.get_mut(index).map(|known| known.on_found(&found)).unwrap_or_default();
        let time = render::utc(SystemTime::now());
        for change in &changes {
            sequence += 1;
            render::to_stdout(&match args.output {
                ResolveOutput::Table => render::change_line(&time, change, args.targets.len() > 1),
                ResolveOutput::Json | ResolveOutput::Jsonl => render::change_json(&time, sequence, change),
            })?;
        }
    }
}
