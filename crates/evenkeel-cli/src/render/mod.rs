//! Saying what happened: to people in tables, to programs in JSON.

use std::io::{self, Write};

use crate::exit::RunError;

mod columns;
mod failed;
mod json;
mod load;
mod resolve;
#[cfg(test)]
pub(crate) mod samples;
mod screen;
mod table;
mod utc;

pub(crate) use json::{demo as demo_json, interval as interval_json, load as load_json};
pub(crate) use load::{Now, View, findings, line as interval_line, table as load_table};
pub(crate) use resolve::{
    change_json, change_line, documents as resolve_json, line as resolve_line, table as resolve_table,
};
pub(crate) use screen::{LogWriter, REDRAW, Screen};
pub(crate) use table::{
    Style, act as act_table, act_heading, demo as demo_table, meanwhile, progress as act_progress,
};
pub(crate) use utc::utc;

/// Writes data to stdout.
///
/// # Errors
/// When it cannot be written; a broken pipe is told apart in `exit`.
pub(crate) fn to_stdout(text: &str) -> Result<(), RunError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(RunError::Output)
}
