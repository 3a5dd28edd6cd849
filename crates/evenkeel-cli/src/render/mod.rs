//! Saying what happened: to people in tables, to programs in JSON.

use std::io::{self, Write};

use crate::exit::RunError;

mod json;
#[cfg(test)]
mod samples;
mod screen;
mod table;

pub(crate) use json::{demo as demo_json, load as load_json};
pub(crate) use screen::{LogWriter, Screen};
pub(crate) use table::{
    Style, act as act_table, act_heading, demo as demo_table, load as load_table, meanwhile,
};

/// Writes data to stdout.
///
/// # Errors
/// When it cannot be written; a broken pipe is told apart in `exit`.
pub(crate) fn to_stdout(text: &str) -> Result<(), RunError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(RunError::Output)
}
