//! stderr: lines that stay, and below them one frame that is redrawn in place where the terminal allows it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a live table is drawn anew: fast enough to look alive, slow enough to read.
pub(crate) const REDRAW: Duration = Duration::from_millis(250);

/// Takes the frame off: to its first column and line, then clear to the end of the screen.
const CLEAR_BELOW: &str = "\x1b[J";
/// Lines are cut, not wrapped, while a frame is drawn: a wrapped line would not be counted when going back up.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// What stands on stderr.
#[derive(Debug)]
pub(crate) struct Screen {
    live: bool,
    frame: Mutex<String>,
}

/// Log lines' way to stderr: above the frame.
#[derive(Debug)]
pub(crate) struct LogWriter {
    screen: Arc<Screen>,
    line: Vec<u8>,
}

impl Screen {
    pub(crate) fn new(live: bool) -> Arc<Self> {
        Arc::new(Self { live, frame: Mutex::new(String::new()) })
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// How many lines the terminal has, if it is one.
    pub(crate) fn height(&self) -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
        (size.ws_row > 0).then(|| usize::from(size.ws_row))
    }

    /// How many characters fit into a line of the frame, if it is a terminal.
    pub(crate) fn columns(&self) -> Option<usize> {
        columns(io::stderr())
    }

    /// How many characters fit into a line on stdout, if it is a terminal.
    pub(crate) fn columns_of_stdout(&self) -> Option<usize> {
        columns(io::stdout())
    }

    /// Replaces the frame; nothing happens where it could not be redrawn.
    pub(crate) fn draw(&self, frame: String) {
        if self.live {
            let mut current = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
            write(&redraw(&current, "", &frame));
            *current = frame;
        }
    }

    /// Takes the frame off.
    pub(crate) fn clear(&self) {
        self.draw(String::new());
    }

    /// Writes a line that stays.
    pub(crate) fn line(&self, line: &str) {
        let current = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        write(&redraw(&current, &format!("{line}\n"), &current));
    }
}

impl LogWriter {
    pub(crate) fn new(screen: Arc<Screen>) -> Self {
        Self { screen, line: Vec::new() }
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.screen.line(String::from_utf8_lossy(&self.line).trim_end_matches('\n'));
        }
    }
}

fn columns(of: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(of).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// The bytes that take `old` off, leave `lines` above, and draw `new`.
fn redraw(old: &str, lines: &str, new: &str) -> String {
    let mut out = String::new();
    match old.matches('\n').count() {
        0 => {}
        height => out.push_str(&format!("\x1b[{height}F{CLEAR_BELOW}")),
    }
    out.push_str(lines);
    if !new.is_empty() {
        out.push_str(NO_WRAP);
        out.push_str(new);
        out.push_str(WRAP);
    }
    out
}

/// Nobody can be told that stderr is gone.
fn write(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use super::redraw;

    #[test]
    fn a_plain_line_has_no_escapes() {
        assert_eq!(redraw("", "a log line\n", ""), "a log line\n");
    }

    #[test]
    fn a_frame_is_replaced_where_it_stands() {
        assert_eq!(redraw("", "", "one\n"), "\x1b[?7lone\n\x1b[?7h");
        assert_eq!(redraw("one\ntwo\n", "", "three\n"), "\x1b[2F\x1b[J\x1b[?7lthree\n\x1b[?7h");
        assert_eq!(redraw("one\n", "log\n", "one\n"), "\x1b[1F\x1b[Jlog\n\x1b[?7lone\n\x1b[?7h");
        assert_eq!(redraw("one\n", "", ""), "\x1b[1F\x1b[J");
    }
}
