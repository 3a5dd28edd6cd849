//! `evenkeel completions` and `evenkeel man`: what is known of the command's words, for shells and for man(1).

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Args;
use crate::exit::{RunError, Verdict};
use crate::render;

pub(super) fn completions(shell: Shell) -> Result<Verdict, RunError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "evenkeel", &mut script);
    print(&script)
}

/// The page of the whole command, or of one of its subcommands.
pub(super) fn page(subcommand: Option<&str>) -> Result<Verdict, RunError> {
    let mut command = Args::command();
    // Gives subcommands their full names.
    command.build();
    let found = subcommand.and_then(|name| command.find_subcommand(name)).cloned();
    let mut page = Vec::new();
    Man::new(found.unwrap_or(command)).render(&mut page).map_err(RunError::Output)?;
    print(&page)
}

fn print(text: &[u8]) -> Result<Verdict, RunError> {
    Verdict::Passed.after(render::to_stdout(&String::from_utf8_lossy(text)))
}
