//! Pictures, where looking beats reading: drawn as SVG without a script, a font or a colour of their own (`style.css`).
//! What they show stands in a table too.

use super::block::cut;
use super::escape::{html, one_line};
use crate::domain::figures::{count, seconds};
use std::fmt::Write;

#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    Bars(Vec<Bar>),
    Timeline(Vec<Lane>),
}

/// What became of the rows of a table, or of the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    pub name: String,
    pub noun: Noun,
    pub kept: u64,
    pub lost: u64,
    pub new: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    Rows,
    Values,
}

/// One stretch of time; in seconds from the first statement's start.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    pub name: String,
    pub from: f64,
    pub to: f64,
    pub kind: LaneKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneKind {
    Statement,
    Failed,
    /// Held by the statement above it.
    Lock(Blocks),
}

/// Whom a lock keeps out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    Everybody,
    Writers,
    Nobody,
}

impl Blocks {
    /// By PostgreSQL's table of conflicts: a SELECT takes ACCESS SHARE, a change of rows ROW EXCLUSIVE.
    pub fn of(mode: &str) -> Self {
        match mode {
            "ACCESS EXCLUSIVE" => Self::Everybody,
            "EXCLUSIVE" | "SHARE ROW EXCLUSIVE" | "SHARE" => Self::Writers,
            _ => Self::Nobody,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Everybody => "nobody else can read or write",
            Self::Writers => "nobody else can write",
            Self::Nobody => "others can read and write",
        }
    }
}

const WIDTH: f64 = 720.0;
/// Of names, on the left.
const NAMES: f64 = 270.0;
/// Of figures, on the right.
const FIGURES: f64 = 170.0;
const ROW: f64 = 24.0;
const BAR: f64 = 14.0;
/// So that one row of a million is seen.
const THINNEST: f64 = 2.0;
/// Letters that have room beside the picture.
const LETTERS: usize = 36;

impl Picture {
    pub fn title(&self) -> &'static str {
        match self {
            Self::Bars(_) => "What became of the rows and values",
            Self::Timeline(_) => "When each statement ran, and the locks that it held",
        }
    }

    /// Class and meaning of what is drawn.
    pub fn keys(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Bars(_) => &[("kept", "kept"), ("lost", "lost"), ("new", "new")],
            Self::Timeline(_) => &[
                ("statement", "statement"),
                ("everybody", "lock: nobody else reads or writes"),
                ("writers", "lock: nobody else writes"),
                ("nobody", "lock: others go on"),
            ],
        }
    }

    /// The same in words.
    pub fn description(&self) -> String {
        let parts: Vec<String> = match self {
            Self::Bars(bars) => bars.iter().map(|bar| format!("{}: {}", one_line(&bar.name), bar.figures())).collect(),
            Self::Timeline(lanes) => lanes.iter().map(Lane::words).collect(),
        };
        parts.join("; ")
    }

    /// An `<svg>`; `number` is another one for each picture of a page.
    pub fn svg(&self, number: usize) -> String {
        let (content, height) = match self {
            Self::Bars(bars) => (draw_bars(bars, number), rows_high(bars.len())),
            Self::Timeline(lanes) => (draw_lanes(lanes, number), rows_high(lanes.len()) + ROW),
        };
        let (title, words) = (html(self.title()), html(&self.description()));
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"p{number}-title p{number}-words\">\
             <title id=\"p{number}-title\">{title}</title><desc id=\"p{number}-words\">{words}</desc>\
             <defs><pattern id=\"p{number}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect class=\"hatch\" width=\"3\" height=\"6\"/></pattern></defs>\
             {content}</svg>\n"
        )
    }
}

fn rows_high(rows: usize) -> f64 {
    ROW * f64::from(u16::try_from(rows).unwrap_or(u16::MAX))
}

impl Bar {
    pub fn figures(&self) -> String {
        let noun = match self.noun {
            Noun::Rows => "rows",
            Noun::Values => "values",
        };
        let parts = [(self.kept, "kept"), (self.lost, "lost"), (self.new, "new")];
        let parts = parts.into_iter().filter(|(number, _)| *number > 0).enumerate();
        let parts: Vec<String> = parts
            .map(|(n, (number, what))| match n {
                0 => format!("{} {noun} {what}", count(number)),
                _ => format!("{} {what}", count(number)),
            })
            .collect();
        if parts.is_empty() { format!("no {noun}") } else { parts.join(", ") }
    }
}

impl Lane {
    fn lasts(&self) -> f64 {
        length(self.to) - length(self.from)
    }

    fn words(&self) -> String {
        let name = one_line(&self.name);
        let (from, lasts) = (seconds(length(self.from)), seconds(self.lasts()));
        match self.kind {
            LaneKind::Statement => format!("{name} from {from} on for {lasts}"),
            LaneKind::Failed => format!("{name} fails after {lasts}"),
            LaneKind::Lock(blocks) => format!("{name} for {lasts} ({})", blocks.words()),
        }
    }
}

/// What is no time is none.
fn length(seconds: f64) -> f64 {
    if seconds.is_finite() { seconds.max(0.0) } else { 0.0 }
}

fn draw_bars(bars: &[Bar], number: usize) -> String {
    let room = WIDTH - NAMES - FIGURES;
    let mut svg = String::new();
    for (n, bar) in bars.iter().enumerate() {
        let top = rows_high(n);
        label(&mut svg, &bar.name, 0.0, top);
        let parts = [("kept", bar.kept), ("lost", bar.lost), ("new", bar.new)];
        let shown = parts.into_iter().filter(|(_, number)| *number > 0);
        let thin: f64 = shown.clone().map(|_| THINNEST).sum();
        let whole = parts.iter().map(|(_, number)| *number as f64).sum::<f64>().max(1.0);
        let mut left = NAMES;
        for (class, part) in shown {
            let wide = THINNEST + (room - thin) * (part as f64 / whole);
            rectangle(&mut svg, class, left, top, wide, number);
            left += wide;
        }
        figures(&mut svg, &bar.figures(), top);
    }
    svg
}

fn draw_lanes(lanes: &[Lane], number: usize) -> String {
    let room = WIDTH - NAMES - FIGURES;
    let end = lanes.iter().map(|lane| length(lane.to)).fold(0.001, f64::max);
    let at = |time: f64| NAMES + room * (length(time) / end).min(1.0);
    let mut svg = String::new();
    let bottom = rows_high(lanes.len());
    for part in [0.0, 0.5, 1.0] {
        let x = NAMES + room * part;
        let said = if part > 0.0 { seconds(end * part) } else { "0".to_owned() };
        let _ = write!(
            svg,
            "<line class=\"tick\" x1=\"{x:.1}\" y1=\"0\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>\
             <text class=\"quiet\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            html(&said),
        );
    }
    for (n, lane) in lanes.iter().enumerate() {
        let top = rows_high(n);
        let (class, indent) = match lane.kind {
            LaneKind::Statement => ("statement", 0.0),
            LaneKind::Failed => ("lost", 0.0),
            LaneKind::Lock(Blocks::Everybody) => ("everybody", 14.0),
            LaneKind::Lock(Blocks::Writers) => ("writers", 14.0),
            LaneKind::Lock(Blocks::Nobody) => ("nobody", 14.0),
        };
        label(&mut svg, &lane.name, indent, top);
        rectangle(&mut svg, class, at(lane.from), top, (at(lane.to) - at(lane.from)).max(THINNEST), number);
        let said = seconds(lane.lasts());
        figures(&mut svg, &if lane.kind == LaneKind::Failed { format!("fails, {said}") } else { said }, top);
    }
    svg
}

fn label(svg: &mut String, name: &str, indent: f64, top: f64) {
    let name = one_line(name);
    let letters = if indent > 0.0 { LETTERS - 2 } else { LETTERS };
    let _ = write!(
        svg,
        "<text class=\"name\" x=\"{indent}\" y=\"{:.1}\"><title>{}</title>{}</text>",
        top + 16.0,
        html(&name),
        html(&cut(&name, letters)),
    );
}

fn figures(svg: &mut String, said: &str, top: f64) {
    let _ = write!(svg, "<text x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", top + 16.0, html(said));
}

/// What is bad is also hatched, for who does not see its colour.
fn rectangle(svg: &mut String, class: &str, left: f64, top: f64, wide: f64, number: usize) {
    let at = format!("x=\"{left:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{BAR}\"", top + (ROW - BAR) / 2.0);
    let _ = write!(svg, "<rect class=\"{class}\" {at}/>");
    if matches!(class, "lost" | "everybody") {
        let _ = write!(svg, "<rect fill=\"url(#p{number}-hatch)\" {at}/>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_lost_row_of_millions_is_seen() {
        let bar = Bar { name: "t".into(), noun: Noun::Rows, kept: 9_999_999, lost: 1, new: 0 };
        let svg = Picture::Bars(vec![bar.clone()]).svg(1);
        assert!(svg.contains("<rect class=\"lost\" x=\"548.0\" y=\"5.0\" width=\"2.0\""), "{svg}");
        assert_eq!(bar.figures(), "9,999,999 rows kept, 1 lost");
    }

    #[test]
    fn times_that_are_none_draw_nothing_odd() {
        let lane = |from, to| Lane { name: "x".into(), from, to, kind: LaneKind::Statement };
        let svg = Picture::Timeline(vec![lane(f64::NAN, f64::INFINITY), lane(-1.0, 2.0), lane(3.0, 1.0)]).svg(1);
        assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("=\"-"), "{svg}");
    }
}
