//! `evenkeel resolve`: what a channel would be told.

use std::time::SystemTime;

use tokio::task::JoinSet;

use super::signals::Interrupts;
use crate::args::{ResolveArgs, ResolveOutput};
use crate::exit::{RunError, Verdict};
use crate::plan::Surroundings;
use crate::render::{self, Screen, Style};
use crate::resolve::{Changes, Found, Lookup, Outcome};

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
    let found = once(lookups).await;
    let printed = render::to_stdout(&match args.output {
        ResolveOutput::Table => {
            let style = Style { colour: surroundings.colour };
            render::resolve_table(&found, screen.width(), style)
        }
        ResolveOutput::Json => render::resolve_json(&found),
        ResolveOutput::Jsonl => found.iter().map(render::resolve_line).collect(),
    });
    conclude(&found)?.after(printed)
}

/// The first answer for each target, in the targets' order; all are asked at the same time.
async fn once(lookups: Vec<Lookup>) -> Vec<Found> {
    let mut tasks = JoinSet::new();
    for (index, mut lookup) in lookups.into_iter().enumerate() {
        tasks.spawn(async move { (index, lookup.next().await) });
    }
    let mut found: Vec<_> = tasks.join_all().await.into_iter().collect();
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().filter_map(|(_, found)| found).collect()
}

fn conclude(found: &[Found]) -> Result<Verdict, RunError> {
    let mut verdict = Verdict::Passed;
    for found in found {
        match &found.outcome {
            Outcome::Endpoints(_) => {}
            Outcome::Absent(_) => verdict = Verdict::Failed,
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
