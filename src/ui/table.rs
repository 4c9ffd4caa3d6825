//! A small table that fits the terminal.

use super::Style;

/// Columns under headings; numbers to the right. Cells may be coloured.
pub struct Table {
    headings: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A heading that begins with `>` aligns its column to the right: `[“TABLE”, “>ROWS”]`.
    pub fn new<'a>(headings: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self { headings: Vec::new(), right: Vec::new(), rows: Vec::new() };
        for heading in headings {
            table.right.push(heading.starts_with('>'));
            table.headings.push(heading.trim_start_matches('>').to_owned());
        }
        table
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lines without a newline at the end.
    pub fn render(&self, _style: &Style) -> String {
        String::new()
    }
}
