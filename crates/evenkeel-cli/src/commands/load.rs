//! `evenkeel load`: calls on one channel, and who answered them.

use std::sync::Arc;
use std::time::Instant;

use evenkeel::Channel;

use super::signals::Interrupts;
use crate::args::Output;
use crate::exit::{RunError, Verdict};
use crate::load::{self, Caller, REDRAW, Stop};
use crate::plan::{LoadPlan, Surroundings};
use crate::render::{self, Screen, Style};

pub(super) async fn run(
    plan: &LoadPlan,
    surroundings: Surroundings,
    screen: &Screen,
) -> Result<Verdict, RunError> {
    let mut channel =
        Channel::builder(plan.target.as_str()).refresh(plan.refresh).wait_for_ready(plan.wait_for_ready);
    if let Some(authority) = &plan.authority {
        channel = channel.authority(authority);
    }
    if let Some(tls) = &plan.tls {
        channel = channel.tls(tls.clone());
    }
    let channel = channel.build()?;
    let mut interrupts = Interrupts::listen()?;
    let caller = Arc::new(Caller::new(channel.clone(), &plan.calls, Instant::now()));
    let (stop, stopped) = Stop::new();
    let show = async {
        let style = Style { colour: surroundings.live };
        loop {
            tokio::time::sleep(REDRAW).await;
            screen.draw(render::load_table(&caller.summary(&plan.target), style));
        }
    };
    let interrupted = async {
        interrupts.next().await;
        // Calls in flight still count; whoever cannot wait for them interrupts again.
        stop.stop();
        interrupts.next().await;
    };
    tokio::select! {
        () = load::run(&caller, &plan.calls, stopped) => {}
        () = show => {}
        () = interrupted => {}
    }
    let summary = caller.summary(&plan.target);
    channel.close().await;
    screen.clear();
    render::to_stdout(&match plan.output {
        Output::Json => render::load_json(&summary),
        Output::Table => render::load_table(&summary, Style { colour: surroundings.colour }),
    })?;
    Ok(if summary.failures() == 0 { Verdict::Passed } else { Verdict::Failed })
}
