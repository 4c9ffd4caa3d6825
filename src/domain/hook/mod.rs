//! The texts that make git call us before a push, in each place where people keep their hooks. What is put in can be
//! taken out again to the byte.

mod block;
mod yaml;

pub use yaml::{lefthook, pre_commit};

use super::names::shell_word;
use block::Block;

/// Where the hook finds the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// The project's folder from the root of the repository, with `/`; empty: the root itself.
    pub project: String,
    /// A folder of this machine, only for what is not shared with others.
    pub folder: Option<String>,
}

/// A file of git's own that was there before ours goes by this name.
pub const CHAINED: &str = "pre-push.before-safemigrate";

/// In a hook that is all ours.
const OURS: &str = "# safemigrate reads what is about to be pushed. `safemigrate hook uninstall` takes this away.";

/// Said where the program is missing: a push that nobody has looked at does not go through silently.
const MISSING: &str = "safemigrate is not found, so nobody has looked at what is pushed, and the push is stopped. \
                       Install it: npm install --save-dev safemigrate. To push without the check: git push --no-verify";

impl Places {
    /// In PATH, else in the project, else where it was when the hook was made.
    fn path(&self) -> String {
        let mut path = "PATH=$PATH".to_owned();
        if !self.project.is_empty() {
            path += &format!(":$PWD/{}/node_modules/.bin", shell_word(&self.project));
        }
        path += ":$PWD/node_modules/.bin";
        if let Some(folder) = &self.folder {
            path += &format!(":{}", shell_word(folder));
        }
        path
    }

    /// Lines of a shell script; `call` runs the program.
    fn lines(&self, call: &str) -> Vec<String> {
        vec![
            self.path(),
            format!("command -v safemigrate >/dev/null || {{ echo \"{MISSING}\" >&2; exit 1; }}"),
            call.to_owned(),
        ]
    }
}

/// A hook that is all ours: what was there before (`CHAINED`) runs first, with the same input, and its refusal counts.
pub fn script(places: &Places) -> String {
    let mut lines = vec!["#!/bin/sh".to_owned(), OURS.to_owned()];
    lines.extend(input());
    lines.push(format!("hook=$(dirname -- \"$0\")/{CHAINED}"));
    lines.push("if [ -x \"$hook\" ]; then safemigrate_input | \"$hook\" \"$@\" || exit $?; fi".to_owned());
    lines.extend(places.lines("safemigrate_input | safemigrate hook pre-push \"$@\""));
    lines.join("\n") + "\n"
}

/// Whether a hook is one of `script`'s, of whatever version.
pub fn is_ours(hook: &str) -> bool {
    hook.lines().any(|line| line == OURS)
}

/// git tells what is pushed once; each of two readers needs all of it.
fn input() -> [String; 2] {
    [
        "safemigrate_pushed=$(cat)".to_owned(),
        "safemigrate_input() { [ -z \"$safemigrate_pushed\" ] || printf '%s\\n' \"$safemigrate_pushed\"; }".to_owned(),
    ]
}

/// husky's script, with our part in front of the user's, who gets the same input.
pub fn husky(script: Option<&str>, places: &Places) -> String {
    let mut lines: Vec<String> = input().into();
    lines.push("(".to_owned());
    lines.extend(places.lines("safemigrate_input | safemigrate hook pre-push \"$@\""));
    lines.push(") || exit $?".to_owned());
    lines.extend(["exec <<SAFEMIGRATE", "$safemigrate_pushed", "SAFEMIGRATE"].map(str::to_owned));
    let block = Block::new("", lines);
    let theirs = script.filter(|text| !is_made_by_us(text)).map(without);
    let Some(text) = theirs else { return block.alone() };
    let shebang = text.lines().next().filter(|line| line.starts_with("#!")).map_or(0, |line| line.len() + 1);
    block.inserted(&text, shebang)
}

/// The text without our part; the same text where it has none.
pub fn without(text: &str) -> String {
    Block::removed(text)
}

/// Whether nothing but our part was ever in it.
pub fn is_made_by_us(text: &str) -> bool {
    Block::is_alone(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let places = Places { project: "apps/web app".into(), folder: None };
        for text in
            ["npm test\n", "#!/bin/sh\nnpm test\n", "#!/bin/sh", "", "\n", "npm test", "#!/usr/bin/env sh\n. x\n\n"]
        {
            let with = husky(Some(text), &places);
            assert!(with.contains("safemigrate hook pre-push"));
            assert_eq!(without(&with), text, "{text:?}");
            assert_eq!(husky(Some(&with), &places), with, "twice is the same as once");
            assert!(!is_made_by_us(&with), "{text:?}");
        }
        let made = husky(None, &places);
        assert!(is_made_by_us(&made) && made.contains("$PWD/'apps/web app'/node_modules/.bin"), "{made}");
        assert_eq!(husky(Some(&made), &places), made);
        assert!(is_ours(&script(&places)) && !is_ours("#!/bin/sh\nsafemigrate hook pre-push\n"));
    }
}
