//! Changes to the user's files, as a unified diff.

use super::Style;
use crate::domain::changes::{Change, Changes};
use crate::domain::unified::{Line, lines};
use similar::TextDiff;
use std::path::Path;

/// The diff of all of them; paths inside of `folder` are shown as seen from there.
pub fn diff(changes: &Changes, folder: &Path, style: &Style) -> String {
    changes.list.iter().map(|change| of_one(change, folder, style)).collect()
}

/// A path as seen from `folder`, where it is inside of it.
pub fn seen_from(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

fn of_one(change: &Change, folder: &Path, style: &Style) -> String {
    let (path, before, after, mode) = match change {
        Change::Move { from, to } => {
            return format!("rename from {}\nrename to {}\n", seen_from(folder, from), seen_from(folder, to));
        }
        Change::Text { path, before, after, mode } => (path, before, after, mode),
    };
    let name = |text: &Option<String>| match text {
        Some(_) => seen_from(folder, path),
        None => "/dev/null".to_owned(),
    };
    let mut text = String::new();
    if let (Some(mode), None) = (mode, before) {
        text.push_str(&format!("new file mode 100{mode:o}\n"));
    }
    // a carriage return on the screen would move the cursor; the files keep theirs
    let shown = |text: &Option<String>| text.as_deref().unwrap_or_default().replace("\r\n", "\n");
    let (old, new) = (shown(before), shown(after));
    let diff = TextDiff::from_lines(&old, &new);
    let hunks = diff.unified_diff().context_radius(3).header(&name(before), &name(after)).to_string();
    text.push_str(&painted(&hunks, style));
    text
}

/// A unified diff in colours.
pub fn painted(diff: &str, style: &Style) -> String {
    let painted = lines(diff).map(|(kind, line)| match kind {
        Line::Header => style.bold(line),
        Line::Added => style.green(line),
        Line::Removed => style.red(line),
        Line::Hunk => style.cyan(line),
        Line::Same => line.to_owned(),
    });
    painted.map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, before: Option<&str>, after: Option<&str>) -> Change {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Change::Text { path: path.into(), before: owned(before), after: owned(after), mode: None }
    }

    #[test]
    fn files_come_change_and_go() {
        let list = vec![
            change("/app/new", None, Some("one\r\ntwo")),
            change("/app/sub/x", Some("a\nb\n"), Some("a\nc\n")),
            change("/repo/.gitignore", Some("z\n"), None),
            Change::Move { from: "/app/a".into(), to: "/app/b".into() },
        ];
        let text = diff(&Changes { list, notes: Vec::new() }, Path::new("/app"), &Style::plain());
        insta::assert_snapshot!(text, @r"
        --- /dev/null
        +++ new
        @@ -0,0 +1,2 @@
        +one
        +two
        \ No newline at end of file
        --- sub/x
        +++ sub/x
        @@ -1,2 +1,2 @@
         a
        -b
        +c
        --- /repo/.gitignore
        +++ /dev/null
        @@ -1 +0,0 @@
        -z
        rename from a
        rename to b
        ");
    }
}
