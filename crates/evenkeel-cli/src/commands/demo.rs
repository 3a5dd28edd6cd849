//! `evenkeel demo`: the five acts, one after the other, and their verdict.

use super::signals::Interrupts;
use crate::args::Output;
use crate::demo::{Act, Report, Stage, acts, pods_in_all};
use crate::exit::{RunError, Verdict};
use crate::plan::Surroundings;
use crate::render::{self, Screen, Style};

pub(super) async fn run(
    output: Output,
    surroundings: Surroundings,
    screen: &Screen,
) -> Result<Verdict, RunError> {
    let mut interrupts = Interrupts::listen()?;
    // Dropping the play, wherever it stands, ends its pods.
    let reports = tokio::select! {
        reports = play(output, surroundings, screen) => reports?,
        () = interrupts.next() => {
            screen.clear();
            return Err(RunError::Interrupted);
        }
    };
    render::to_stdout(&match output {
        Output::Json => render::demo_json(&reports),
        Output::Table => render::demo_table(&reports, Style { colour: surroundings.colour }),
    })?;
    for report in reports.iter().filter(|report| !report.holds()) {
        screen.line(&format!("evenkeel: {} does not hold: {}", report.id, report.broken.join("; ")));
    }
    Ok(if reports.iter().all(Report::holds) { Verdict::Passed } else { Verdict::Failed })
}

async fn play(output: Output, surroundings: Surroundings, screen: &Screen) -> Result<Vec<Report>, RunError> {
    let acts = acts();
    let mut stage = Stage::new(pods_in_all()).await?;
    let mut reports = Vec::new();
    for (index, act) in acts.iter().enumerate() {
        let heading = announce(act, index + 1, acts.len(), screen);
        let style = Style { colour: surroundings.live };
        let report = stage
            .play(act, |summary| screen.draw(format!("{heading}{}", render::load_table(summary, style))))
            .await?;
        screen.clear();
        if output == Output::Table {
            render::to_stdout(&render::act_table(&report, Style { colour: surroundings.colour }))?;
        }
        reports.push(report);
    }
    stage.clear().await;
    Ok(reports)
}

/// Says which act begins: above the live table, or as a line of progress where there is none.
fn announce(act: &Act, number: usize, of: usize, screen: &Screen) -> String {
    if !screen.is_live() {
        screen.line(&format!("act {number} of {of}: {} ({:.0} s)", act.id, act.duration.as_secs_f64()));
    }
    render::act_heading(act, number, of, Style { colour: screen.is_live() })
}
