//! Rows and size of the full backups over time: a shrinking database is seen before it is read.

use super::format;
use super::html::View;
use crate::domain::manifest::{Kind, Manifest};
use crate::operations::retention::Listed;
use jiff::Timestamp;
use maud::{Markup, html};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 120.0;
const EDGE: f64 = 6.0;

/// A line needs two points.
pub fn growth(view: &View<'_>, newest_first: &[Listed]) -> Markup {
    let words = view.words();
    let full: Vec<&Manifest> =
        newest_first.iter().rev().map(|b| &b.manifest).filter(|m| m.kind == Kind::Full).collect();
    let (Some(first), Some(last)) = (full.first(), full.last()) else { return html! {} };
    if full.len() < 2 {
        return html! {};
    }
    let across = places(&full);
    let rows: Vec<u64> = full.iter().map(|m| m.rows()).collect();
    let bytes: Vec<u64> = full.iter().map(|m| m.bytes()).collect();
    let said = format!(
        "{}: {} {} → {} {}; {} → {}",
        words.growth,
        view.count(first.rows()),
        words.growth_rows,
        view.count(last.rows()),
        words.growth_rows,
        view.size(first.bytes()),
        view.size(last.bytes()),
    );
    html! {
        figure.growth {
            figcaption {
                (words.growth) " "
                span.key.rows { (words.growth_rows) } " " span.key.size { (words.growth_size) }
                small { " " (format::minute(&first.created_at)) " – " (format::minute(&last.created_at)) }
            }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(said) preserveAspectRatio="none" {
                polyline.size points=(line(&across, &bytes)) fill="none" {}
                polyline.rows points=(line(&across, &rows)) fill="none" {}
            }
        }
    }
}

/// From left to right by time; by number where the times cannot be read or are all one.
fn places(full: &[&Manifest]) -> Vec<f64> {
    let times: Option<Vec<i64>> =
        full.iter().map(|m| m.created_at.parse::<Timestamp>().ok().map(Timestamp::as_second)).collect();
    let span = |times: &[i64]| Some((*times.first()?, times.last()? - times.first()?)).filter(|(_, span)| *span > 0);
    let room = WIDTH - 2.0 * EDGE;
    match times.as_deref().and_then(|times| Some((times, span(times)?))) {
        Some((times, (begin, span))) => {
            times.iter().map(|at| EDGE + room * (at - begin) as f64 / span as f64).collect()
        }
        None => (0..full.len()).map(|n| EDGE + room * n as f64 / (full.len() - 1) as f64).collect(),
    }
}

/// From zero, so that half is seen as half.
fn line(across: &[f64], values: &[u64]) -> String {
    let most = values.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut points = String::new();
    for (x, value) in across.iter().zip(values) {
        let y = HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * (*value as f64) / most;
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_at_zero_and_ends_at_the_most() {
        assert_eq!(line(&[6.0, 714.0], &[0, 10]), "6.0,114.0 714.0,6.0 ");
        assert_eq!(line(&[6.0, 714.0], &[5, 10]), "6.0,60.0 714.0,6.0 ");
        assert_eq!(line(&[6.0, 714.0], &[0, 0]), "6.0,114.0 714.0,114.0 ");
    }
}
