//! Columns that fit: what a terminal has no room for is left out whole, never cut in half or wrapped.

use std::fmt::Write;

/// What stands between two columns.
const GAP: usize = 2;

/// One column of a table.
#[derive(Clone, Debug)]
pub(super) struct Column {
    heading: &'static str,
    cells: Vec<String>,
    is_number: bool,
    /// The column with the highest rank goes first where there is no room.
    rank: u8,
}

impl Column {
    /// Words, which begin at the left.
    pub(super) fn words(heading: &'static str, rank: u8, cells: impl Iterator<Item = String>) -> Self {
        Self { heading, cells: cells.collect(), is_number: false, rank }
    }

    /// Numbers, which end at the right.
    pub(super) fn numbers(heading: &'static str, rank: u8, cells: impl Iterator<Item = String>) -> Self {
        Self { is_number: true, ..Self::words(heading, rank, cells) }
    }

    fn width(&self) -> usize {
        let widest = self.cells.iter().map(|cell| visible(cell)).max().unwrap_or(0);
        widest.max(self.heading.len())
    }

    /// As wide as this at least, so that a table that is drawn again and again does not tremble.
    pub(super) fn at_least(self, width: usize) -> Self {
        let cells = self.cells.iter().map(|cell| self.padded(cell, width)).collect();
        Self { cells, ..self }
    }

    fn padded(&self, cell: &str, width: usize) -> String {
        let spaces = " ".repeat(width.saturating_sub(visible(cell)));
        if self.is_number { format!("{spaces}{cell}") } else { format!("{cell}{spaces}") }
    }
}

/// The table with as many of its columns as fit into `width`, in their order.
pub(super) fn table(mut columns: Vec<Column>, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX);
    while columns.len() > 1 && total(&columns) > width {
        let highest = columns.iter().map(|column| column.rank).max();
        columns.retain(|column| Some(column.rank) != highest);
    }
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    let widths: Vec<usize> = columns.iter().map(Column::width).collect();
    let line = |cell: &dyn Fn(&Column) -> String| {
        let cells = columns.iter().zip(&widths).map(|(column, width)| column.padded(&cell(column), *width));
        clipped(cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end(), Some(width))
    };
    let mut out = String::new();
    let _ = writeln!(out, "{}", line(&|column| column.heading.to_owned()));
    for row in 0..rows {
        let _ = writeln!(out, "{}", line(&|column| column.cells.get(row).cloned().unwrap_or_default()));
    }
    out
}

fn total(columns: &[Column]) -> usize {
    columns.iter().map(Column::width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// Parts of a line, in as many lines as they need; a part is not torn.
pub(super) fn flow(parts: &[String], width: Option<usize>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(last) if width.is_none_or(|width| visible(last) + 3 + visible(part) <= width) => {
                last.push_str("   ");
                last.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines.iter().map(|line| format!("{}\n", clipped(line, width))).collect()
}

/// A text that ends before the line does, with a sign that it went on. One with colours is left as it is.
pub(super) fn clipped(text: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if visible(text) > width && !text.contains('\x1b') => {
            text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
        }
        _ => text.to_owned(),
    }
}

/// How many columns of a terminal a text takes, colours not counted.
fn visible(text: &str) -> usize {
    let mut in_colour = false;
    let mut count = 0;
    for character in text.chars() {
        match character {
            '\x1b' => in_colour = true,
            'm' if in_colour => in_colour = false,
            _ if in_colour => {}
            _ => count += 1,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::{Column, clipped, flow, table};

    fn columns() -> Vec<Column> {
        let cells = |texts: [&str; 2]| texts.map(str::to_owned).into_iter();
        vec![
            Column::words("POD", 0, cells(["school-1", "s"])),
            Column::words("STATE", 2, cells(["READY", "IDLE"])),
            Column::numbers("CALLS", 1, cells(["7", "1000000"])),
        ]
    }

    #[test]
    fn what_has_no_room_is_left_out_whole() {
        let all = "POD       STATE    CALLS\nschool-1  READY        7\ns         IDLE   1000000\n";
        assert_eq!(table(columns(), None), all);
        assert_eq!(table(columns(), Some(24)), all);
        let two = "POD         CALLS\nschool-1        7\ns         1000000\n";
        assert_eq!(table(columns(), Some(23)), two);
        assert_eq!(table(columns(), Some(16)), "POD\nschool-1\ns\n");
        assert_eq!(table(columns(), Some(5)), "POD\nscho…\ns\n");
    }

    #[test]
    fn lines_break_between_their_parts() {
        let parts = ["2.5 s", "\x1b[31m4 failed\x1b[0m", "2/s"].map(str::to_owned);
        assert_eq!(flow(&parts, None), "2.5 s   \x1b[31m4 failed\x1b[0m   2/s\n");
        assert_eq!(flow(&parts, Some(16)), "2.5 s   \x1b[31m4 failed\x1b[0m\n2/s\n");
        assert_eq!(clipped("abcdef", Some(4)), "abc…");
        assert_eq!(clipped("abcd", Some(4)), "abcd");
    }
}
