//! `dev`, `reset` …: which words are ours and which are Prisma's, wherever they stand.
//!
//! What our flags are called, and which of them take a value, is read from clap's own definition.

use crate::domain::prisma_command::destructive;
use clap::{Arg, Command};
use std::ffi::{OsStr, OsString};

/// The argument that collects Prisma's words; the commands that have it pass words through.
const PRISMA_ARGS: &str = "prisma_args";

/// `safemigrate prisma migrate dev --name x` is `safemigrate dev --name x`. What destroys and has no command of ours keeps
/// its two words at its head; what does not destroy goes behind `--`, every word of it. `root` has been built.
pub(super) fn unwrap_prisma(root: &Command, mut args: Vec<OsString>) -> Vec<OsString> {
    let Some((at, _)) = find_command(root, &args).filter(|(_, command)| command.get_name() == "prisma") else {
        return args;
    };
    let mut words = args.split_off(at + 1);
    let text: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let Some(found) = destructive(&text) else {
        if !words.is_empty() {
            args.push("--".into());
            args.extend(words);
        }
        return args;
    };
    let [group, verb] = found.at.map(|at| words[at].clone());
    words.remove(found.at[1]);
    words.remove(found.at[0]);
    if found.command.has_own_command() {
        args[at] = verb;
    } else {
        args.extend([group, verb]);
    }
    args.extend(words);
    args
}

/// Puts Prisma's words behind `--`, so that clap sees only ours. The words of other commands stay as they are.
/// `root` has been built.
pub(super) fn arrange(root: &Command, mut args: Vec<OsString>) -> Vec<OsString> {
    let Some((at, command)) = find_command(root, &args) else { return args };
    if !command.get_arguments().any(|a| a.get_id() == PRISMA_ARGS) {
        return args;
    }
    let (ours, prisma) = split(command, args.split_off(at + 1));
    args.extend(ours);
    if !prisma.is_empty() {
        args.push("--".into());
        args.extend(prisma);
    }
    args
}

/// The command among the words, and where it stands.
pub(super) fn find_command<'a>(root: &'a Command, args: &[OsString]) -> Option<(usize, &'a Command)> {
    let mut words = args.iter().enumerate().skip(1);
    while let Some((at, word)) = words.next() {
        match ours(root, word) {
            _ if word == "--" => return None,
            Some(Flag { value_follows: true }) => _ = words.next(),
            Some(_) => {}
            None if is_flag(word) => {}
            None => return root.find_subcommand(word).map(|c| (at, c)),
        }
    }
    None
}

/// Our words and Prisma's, each in their order. After the first `--`, which is dropped, all are Prisma's.
fn split(command: &Command, words: Vec<OsString>) -> (Vec<OsString>, Vec<OsString>) {
    let (mut mine, mut prisma) = (Vec::new(), Vec::new());
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        if word == "--" {
            prisma.extend(words);
            break;
        }
        let Some(flag) = ours(command, &word) else {
            prisma.push(word);
            continue;
        };
        mine.push(word);
        // a flag where the value should be: clap says what is missing
        if flag.value_follows
            && let Some(value) = words.next_if(|next| !is_flag(next))
        {
            mine.push(value);
        }
    }
    (mine, prisma)
}

/// A word that is ours.
struct Flag {
    /// Its value is the next word.
    value_follows: bool,
}

/// Whether the word is a flag of this command: `--json`, `--store=x`, `-q`, and `-qy` when all letters are ours.
fn ours(command: &Command, word: &OsStr) -> Option<Flag> {
    let text = word.to_string_lossy();
    if let Some(long) = text.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
        let arg = command.get_arguments().find(|a| a.get_long() == Some(name))?;
        return Some(Flag { value_follows: takes_value(arg) && value.is_none() });
    }
    let letters = text.strip_prefix('-').filter(|l| !l.is_empty())?;
    let mut value_follows = false;
    for letter in letters.chars() {
        let arg = command.get_arguments().find(|a| a.get_short() == Some(letter))?;
        value_follows = takes_value(arg);
    }
    Some(Flag { value_follows })
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// Looks like a flag. A lone `-` is a value.
pub(super) fn is_flag(word: &OsStr) -> bool {
    word.len() > 1 && word.to_string_lossy().starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::CommandFactory;
    use proptest::prelude::*;

    fn root() -> Command {
        let mut root = Cli::command();
        root.build();
        root
    }

    fn arranged(line: &str) -> String {
        let args = line.split(' ').map(OsString::from).collect();
        let words = arrange(&root(), args).into_iter().map(|w| w.into_string().unwrap());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn our_flags_are_found_between_those_of_prisma() {
        assert_eq!(arranged("s dev --name x --json --create-only"), "s dev --json -- --name x --create-only");
        assert_eq!(arranged("s -q dev --on-loss keep -n x"), "s -q dev --on-loss keep -- -n x");
        assert_eq!(arranged("s --store dev dev -n --x"), "s --store dev dev -- -n --x");
        assert_eq!(arranged("s reset --force --url=u --skip-seed"), "s reset --url=u -- --force --skip-seed");
    }

    #[test]
    fn after_two_dashes_everything_is_prismas() {
        assert_eq!(arranged("s dev -- --json -q -- x"), "s dev -- --json -q -- x");
        assert_eq!(arranged("s dev a -- --json"), "s dev -- a --json");
        assert_eq!(arranged("s dev --"), "s dev");
    }

    #[test]
    fn a_missing_value_takes_no_flag_in_its_place() {
        assert_eq!(arranged("s dev --schema --name x"), "s dev --schema -- --name x");
        assert_eq!(arranged("s dev --schema -- x"), "s dev --schema -- x");
        assert_eq!(arranged("s dev --schema"), "s dev --schema");
    }

    #[test]
    fn short_flags_are_ours_when_all_letters_are() {
        assert_eq!(arranged("s dev -qy -yf -f - -v"), "s dev -qy -v -- -yf -f -");
        assert_eq!(arranged("s dev -h"), "s dev -h");
    }

    #[test]
    fn reset_does_not_know_on_loss() {
        assert_eq!(arranged("s reset --on-loss keep"), "s reset -- --on-loss keep");
    }

    #[test]
    fn other_commands_stay_as_they_are() {
        for line in ["s list --nonsense", "s", "s --json", "s -- dev --x", "s nonsense --x", "s help dev"] {
            assert_eq!(arranged(line), line);
        }
    }

    fn word() -> impl Strategy<Value = Vec<String>> {
        let flag = proptest::sample::select(vec!["--json", "-q", "-y", "--no-input", "--store=a", "--url=x://y"]);
        let valued = proptest::sample::select(vec!["--schema", "--config", "--confirm", "--on-loss"]);
        prop_oneof![
            flag.prop_map(|f| vec![f.to_owned()]),
            (valued, "[a-z]{1,5}").prop_map(|(f, v)| vec![f.to_owned(), v]),
        ]
    }

    fn foreign() -> impl Strategy<Value = Vec<String>> {
        let known = proptest::sample::select(vec!["--create-only", "--force", "-f", "--name=--json", "-n", "-"]);
        prop_oneof![
            known.prop_map(|f| vec![f.to_owned()]),
            "[a-zé]{1,5}".prop_map(|v| vec![v]),
            ("--p[a-z]{1,3}x", "[a-z]{1,5}").prop_map(|(f, v)| vec![f, v]),
        ]
    }

    proptest! {
        /// However the two kinds are shuffled together, each comes out whole and in its order.
        #[test]
        fn nothing_is_lost_or_moved(
            words in prop::collection::vec((any::<bool>(), word(), foreign()), 0..12),
            tail in prop::collection::vec("(--json|-q|--|[a-z]{1,3})", 0..4),
        ) {
            let (mut line, mut mine, mut prisma) = (Vec::new(), Vec::new(), Vec::new());
            for (is_ours, word, foreign) in words {
                let picked = if is_ours { word } else { foreign };
                let side = if is_ours { &mut mine } else { &mut prisma };
                side.extend(picked.clone());
                line.extend(picked);
            }
            if !tail.is_empty() {
                line.push("--".to_owned());
                line.extend(tail.clone());
                prisma.extend(tail);
            }
            let root = root();
            let dev = root.find_subcommand("dev").unwrap();
            let (got_mine, got_prisma) = split(dev, line.into_iter().map(OsString::from).collect());
            prop_assert_eq!(got_mine, mine.into_iter().map(OsString::from).collect::<Vec<_>>());
            prop_assert_eq!(got_prisma, prisma.into_iter().map(OsString::from).collect::<Vec<_>>());
        }
    }
}
