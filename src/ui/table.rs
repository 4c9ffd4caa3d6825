//! A small table that fits the terminal.

use super::{Style, human};
use console::{measure_text_width, truncate_str};

const GAP: usize = 2;
/// Below this a cut cell says nothing any more.
const NARROWEST: usize = 8;

/// Columns under headings; numbers to the right. Cells may be coloured.
pub struct Table {
    headings: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A heading that begins with `>` aligns its column to the right: `["TABLE", ">ROWS"]`.
    pub fn new<'a>(headings: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self { headings: Vec::new(), right: Vec::new(), rows: Vec::new() };
        for heading in headings {
            table.right.push(heading.starts_with('>'));
            table.headings.push(heading.trim_start_matches('>').to_owned());
        }
        table
    }

    /// Adds a row. Missing cells are empty, and what is more than the headings is left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let one_line = |cell: String| human::tame(&human::one_line(&cell)).into_owned();
        let mut row: Vec<String> = cells.into_iter().map(one_line).collect();
        row.resize(self.headings.len(), String::new());
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lines without a newline at the end. Where it does not fit, the widest left-aligned column is cut, the first one
    /// (which says what a row is about) last of all; numbers never.
    pub fn render(&self, style: &Style) -> String {
        let widths = self.widths(style.width());
        let headings: Vec<String> = self.headings.iter().map(|h| style.dim(h)).collect();
        let lines = std::iter::once(&headings).chain(&self.rows).map(|row| self.line(row, &widths));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let cells = |i: usize| self.rows.iter().map(move |row| &row[i]).chain([&self.headings[i]]);
        let columns = 0..self.headings.len();
        let mut widths: Vec<usize> =
            columns.map(|i| cells(i).map(|c| measure_text_width(c)).max().unwrap_or(0)).collect();
        let Some(limit) = limit else { return widths };
        let cuttable = |widths: &[usize], i: usize| !self.right[i] && widths[i] > NARROWEST;
        loop {
            let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let widest = (1..widths.len()).filter(|&i| cuttable(&widths, i)).max_by_key(|&i| widths[i]);
            let victim = widest.or_else(|| (!widths.is_empty() && cuttable(&widths, 0)).then_some(0));
            match victim {
                Some(i) if total > limit => widths[i] -= (total - limit).min(widths[i] - NARROWEST).clamp(1, 4),
                _ => return widths,
            }
        }
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, &width), &right) in row.iter().zip(widths).zip(&self.right) {
            let cell = truncate_str(cell, width, "…");
            let space = " ".repeat(width.saturating_sub(measure_text_width(&cell)));
            let padded = if right { format!("{space}{cell}") } else { format!("{cell}{space}") };
            line.push_str(&padded);
            line.push_str(&" ".repeat(GAP));
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses() -> Table {
        let mut table = Table::new(["TABLE", "COLUMN", ">BEFORE", ">AFTER", "VERDICT"]);
        table.row(["public.Product", "price", "12,345", "0", "lost-values"].map(str::to_owned));
        table.row(["public.\u{1b}[2JOrder\nItem", "", "3", "3", "identical"].map(str::to_owned));
        table.row(["public.ÄÖ漢字", "a_very_long_column_name_that_goes_on", "1", "1"].map(str::to_owned));
        table
    }

    fn at(width: usize) -> Style {
        Style::fixed(Some(width), jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn numbers_stand_to_the_right_and_a_file_gets_everything() {
        insta::assert_snapshot!(losses().render(&Style::plain()), @r"
        TABLE                        COLUMN                                BEFORE  AFTER  VERDICT
        public.Product               price                                 12,345      0  lost-values
        public.\u{1b}[2JOrder\nItem                                             3      3  identical
        public.ÄÖ漢字                a_very_long_column_name_that_goes_on       1      1
        ");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_text() {
        insta::assert_snapshot!(losses().render(&at(70)), @r"
        TABLE                        COLUMN         BEFORE  AFTER  VERDICT
        public.Product               price          12,345      0  lost-values
        public.\u{1b}[2JOrder\nItem                      3      3  identical
        public.ÄÖ漢字                a_very_long_…       1      1
        ");
        insta::assert_snapshot!(losses().render(&at(50)), @r"
        TABLE            COLUMN    BEFORE  AFTER  VERDICT
        public.Product   price     12,345      0  lost-va…
        public.\u{1b}[…                 3      3  identic…
        public.ÄÖ漢字    a_very_…       1      1
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_while_there_is_text_to_cut() {
        for width in 54..120 {
            let text = losses().render(&at(width));
            assert!(text.lines().all(|l| measure_text_width(l) <= width), "{width}\n{text}");
        }
    }

    #[test]
    fn a_table_without_rows_is_its_headings() {
        assert_eq!(Table::new(["A", ">B"]).render(&Style::plain()), "A  B");
        assert_eq!(Table::new([]).render(&at(10)), "");
    }

    #[test]
    fn colours_take_no_room() {
        let style = Style::colored();
        let mut table = Table::new(["A", "B"]);
        table.row([style.red("lost"), "x".to_owned()]);
        insta::assert_snapshot!(table.render(&style).escape_debug().to_string(), @r"\u{1b}[2mA\u{1b}[0m     \u{1b}[2mB\u{1b}[0m\n\u{1b}[31;1mlost\u{1b}[0m  x");
    }
}
