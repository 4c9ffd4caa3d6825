//! Two texts as a unified diff.

use similar::TextDiff;

/// Unchanged lines around a change.
const AROUND: usize = 3;

/// The diff with its header; empty where the texts are equal.
pub fn unified(before: (&str, &str), after: (&str, &str)) -> String {
    let ((old_name, old), (new_name, new)) = (before, after);
    if old == new {
        return String::new();
    }
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().context_radius(AROUND).header(old_name, new_name).to_string()
}

/// What a line of a unified diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Header,
    Hunk,
    Added,
    Removed,
    Same,
}

/// Each line of one or more diffs, without its end. A comment of SQL that went begins with three dashes, as a header
/// does: only two of those lines before a line of `@@` are one.
pub fn lines(diff: &str) -> impl Iterator<Item = (Line, &str)> {
    let lines: Vec<&str> = diff.lines().collect();
    let is_header = |n: usize| {
        let at = |n: usize, begin: &str| lines.get(n).is_some_and(|line| line.starts_with(begin));
        at(n, "--- ") && at(n + 1, "+++ ") && at(n + 2, "@@ ")
    };
    let kind = |(n, line): (usize, &&str)| match line.as_bytes().first() {
        _ if is_header(n) || n > 0 && is_header(n - 1) => Line::Header,
        Some(b'+') => Line::Added,
        Some(b'-') => Line::Removed,
        Some(b'@') => Line::Hunk,
        _ => Line::Same,
    };
    let kinds: Vec<Line> = lines.iter().enumerate().map(kind).collect();
    kinds.into_iter().zip(lines)
}

/// Lines that came and lines that went.
pub fn added_and_removed(diff: &str) -> (usize, usize) {
    let count = |wanted: Line| lines(diff).filter(|(line, _)| *line == wanted).count();
    (count(Line::Added), count(Line::Removed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_none() {
        assert_eq!(unified(("a", "x\n"), ("b", "x\n")), "");
        let diff = unified(("a", "x\n-- y\nz\n"), ("b", "x\nz\n++ w\n"));
        assert_eq!(diff, "--- a\n+++ b\n@@ -1,3 +1,3 @@\n x\n--- y\n z\n+++ w\n");
        assert_eq!(added_and_removed(&diff), (1, 1));
        assert_eq!(added_and_removed(&format!("{diff}{diff}")), (2, 2));
    }
}
