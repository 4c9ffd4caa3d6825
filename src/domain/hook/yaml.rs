//! lefthook's and pre-commit's files: our entry is put between the lines, and everything else stays as it stands.

use super::block::Block;
use super::{Places, without};

/// lefthook.yml with our command; `None` where the file is written in a way that has to be changed by hand.
pub fn lefthook(text: &str, places: &Places) -> Option<String> {
    let text = without(text);
    let entry = |name: &str, deeper: &str| {
        let mut lines = vec![name.to_owned(), format!("{deeper}run: |")];
        lines.extend(places.lines("safemigrate hook pre-push {1} {2}").iter().map(|line| format!("{deeper}  {line}")));
        lines.push(format!("{deeper}use_stdin: true"));
        lines
    };
    let Some(section) = Section::of(&text, 0..text.len(), "pre-push") else {
        // another way of writing the key, or all in one line
        if text.trim_start().starts_with('{')
            || text.lines().any(|l| l.trim_start_matches(['"', '\'']).starts_with("pre-push"))
        {
            return None;
        }
        let mut lines = vec!["pre-push:".to_owned(), "  commands:".to_owned()];
        lines.extend(entry("safemigrate:", "  ").iter().map(|line| format!("    {line}")));
        return Some(Block::new("", lines).inserted(&text, text.len()));
    };
    let indent = section.indent_inside(&text);
    if let Some(commands) = Section::of(&text, section.inside.clone(), "commands") {
        let block = Block::new(&commands.indent_inside(&text), entry("safemigrate:", "  "));
        return Some(block.inserted(&text, commands.inside.start));
    }
    if let Some(jobs) = Section::of(&text, section.inside.clone(), "jobs") {
        let block = Block::new(&jobs.indent_inside(&text), entry("- name: safemigrate", "  "));
        return Some(block.inserted(&text, jobs.inside.start));
    }
    let mut lines = vec!["commands:".to_owned()];
    lines.extend(entry("safemigrate:", "  ").iter().map(|line| format!("  {line}")));
    let is_plain =
        !text[section.inside.clone()].lines().any(|l| l.trim_start().starts_with(['{', '"', '\'']) || is_inline(l));
    is_plain.then(|| Block::new(&indent, lines).inserted(&text, section.inside.start))
}

/// `commands: {…}`
fn is_inline(line: &str) -> bool {
    ["commands:", "jobs:"].iter().any(|key| line.trim_start().starts_with(key))
}

/// .pre-commit-config.yaml with our hook; `None` where the file is written in a way that has to be changed by hand.
pub fn pre_commit(text: &str, places: &Places) -> Option<String> {
    let text = without(text);
    let repos = Section::of(&text, 0..text.len(), "repos")?;
    let shell = places.lines("exec safemigrate hook pre-push").join("; ").replace('\'', "'\\''");
    let lines = vec![
        "- repo: local".to_owned(),
        "  hooks:".to_owned(),
        "    - id: safemigrate".to_owned(),
        "      name: safemigrate (what is about to be pushed)".to_owned(),
        "      entry: >-".to_owned(),
        format!("        sh -c '{shell}'"),
        "      language: system".to_owned(),
        "      stages: [pre-push]".to_owned(),
        "      always_run: true".to_owned(),
        "      pass_filenames: false".to_owned(),
        "      verbose: true".to_owned(),
    ];
    Some(Block::new(&repos.indent_inside(&text), lines).inserted(&text, repos.inside.start))
}

/// A key with a block below it.
struct Section {
    indent: usize,
    /// The lines below the key.
    inside: std::ops::Range<usize>,
}

impl Section {
    /// The key on the outermost level of a part of the text, where its value is a block of lines.
    fn of(text: &str, part: std::ops::Range<usize>, key: &str) -> Option<Self> {
        let mut at = part.start;
        let mut level = None;
        let mut found: Option<Self> = None;
        for line in text[part.clone()].split_inclusive('\n') {
            let start = at;
            at += line.len();
            let words = line.trim();
            if words.is_empty() || words.starts_with('#') || words.starts_with("---") || words.starts_with('%') {
                continue;
            }
            let indent = line.len() - line.trim_start_matches(' ').len();
            let level = *level.get_or_insert(indent);
            if let Some(section) = &mut found {
                // a list may stand as far left as its key
                if indent <= section.indent && !(indent == section.indent && words.starts_with("- ")) {
                    section.inside.end = start;
                    return found;
                }
            } else if indent == level && is_key(words, key) {
                found = Some(Self { indent, inside: at..part.end });
            }
        }
        found.filter(|section| section.inside.start < part.end)
    }

    /// How far the lines below are moved in.
    fn indent_inside(&self, text: &str) -> String {
        let first =
            text[self.inside.clone()].lines().find(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
        let indent = first.map_or(self.indent + 2, |line| line.len() - line.trim_start_matches(' ').len());
        " ".repeat(indent)
    }
}

/// `key:` and nothing behind it but a comment.
fn is_key(words: &str, key: &str) -> bool {
    let rest = words.strip_prefix(key).and_then(|rest| rest.strip_prefix(':'));
    rest.is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lefthook_gets_a_command_and_loses_it() {
        let places = Places::default();
        for (text, before) in [
            ("", "pre-push:\n  commands:\n    safemigrate:\n"),
            ("pre-commit:\n  commands:\n    lint:\n      run: x\n", "\npre-push:\n  commands:\n    safemigrate:\n"),
            ("pre-commit:\n  jobs:\n    - run: x", "\npre-push:\n  commands:\n    safemigrate:\n"),
            (
                "pre-push:\n    commands:\n        test:\n            run: x\nother:\n  a: 1\n",
                "        safemigrate:\n          run: |\n",
            ),
            (
                "pre-push:\r\n  # c\r\n  parallel: true\r\n  jobs:\r\n    - run: x\r\n",
                "    - name: safemigrate\r\n      run: |\r\n",
            ),
            (
                "pre-push:\n  parallel: true\n  scripts:\n    a.sh:\n      runner: bash\n",
                "  commands:\n    safemigrate:\n      run: |\n",
            ),
        ] {
            let with = lefthook(text, &places).unwrap();
            assert!(with.contains(before), "{with}");
            assert_eq!(without(&with), text);
            assert_eq!(lefthook(&with, &places), Some(with.clone()), "twice is the same as once");
        }
        for odd in [
            "{\"pre-push\": {}}",
            "pre-push: {commands: {a: {run: x}}}\n",
            "\"pre-push\":\n  commands:\n",
            "pre-push:\n  commands: {a: {run: x}}\n",
        ] {
            assert_eq!(lefthook(odd, &places), None, "{odd}");
        }
    }

    #[test]
    fn pre_commit_gets_a_hook_and_loses_it() {
        for (text, before) in [
            ("repos:\n  - repo: https://example.com/a\n    rev: v1\n    hooks:\n      - id: a\n", "repos:\n  # >>>"),
            (
                "# c\ndefault_stages: [pre-commit]\nrepos:\n- repo: local\n  hooks: []\n",
                "\n- repo: local\n  hooks:\n    - id: safemigrate\n",
            ),
            ("repos: # all\n  - repo: meta\n    hooks: []", "  - repo: local\n"),
        ] {
            let with = pre_commit(text, &Places::default()).unwrap();
            assert!(with.contains(before), "{with}");
            assert_eq!(without(&with), text);
            assert_eq!(pre_commit(&with, &Places::default()), Some(with.clone()));
        }
        assert_eq!(pre_commit("repos: []\n", &Places::default()), None);
    }
}
