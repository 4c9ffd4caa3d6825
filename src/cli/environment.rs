//! `SAFEMIGRATE_*` mirrors the global flags: a variable is the flag that the user did not type.
//!
//! clap's own `env` would take `SAFEMIGRATE_STORE=` (set and empty, as CI systems do) for a value.

use super::passthrough::is_flag;
use clap::{Arg, Command};
use std::ffi::{OsStr, OsString};

/// Adds, behind the program's name, a flag for each variable that is set and not typed.
/// Also returns the variables that were used, for the message about a wrong one.
pub(super) fn add(
    root: &Command,
    mut args: Vec<OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> (Vec<OsString>, Vec<String>) {
    let mut used = Vec::new();
    // a person's word is no setting: what stands in an environment for ever is not somebody deciding now
    let globals = root.get_arguments().filter(|a| a.is_global_set() && a.get_id() != "confirm");
    for (flag, long) in globals.filter_map(|a| a.get_long().map(|l| (a, l))) {
        let name = variable_name(long);
        let Some(value) = variable(&name).filter(|v| !v.is_empty()) else { continue };
        if typed(root, flag, &args) {
            continue;
        }
        if let Some(word) = as_flag(flag, long, &value) {
            args.insert(1.min(args.len()), word);
            used.push(name);
        }
    }
    (args, used)
}

/// `SAFEMIGRATE_NO_INPUT` for `no-input`.
fn variable_name(long: &str) -> String {
    format!("SAFEMIGRATE_{}", long.to_uppercase().replace('-', "_"))
}

fn as_flag(flag: &Arg, long: &str, value: &OsStr) -> Option<OsString> {
    let mut word = OsString::from(format!("--{long}"));
    if flag.get_action().takes_values() {
        word.push("=");
        word.push(value);
        return Some(word);
    }
    is_true(value).then_some(word)
}

fn is_true(value: &OsStr) -> bool {
    let value = value.to_string_lossy().to_lowercase();
    !["", "0", "false", "no", "off", "n", "f"].contains(&value.as_str())
}

/// Whether the user typed the flag, or one that excludes it (`-v` against `SAFEMIGRATE_QUIET`).
fn typed(root: &Command, flag: &Arg, args: &[OsString]) -> bool {
    let rivals = root.get_arg_conflicts_with(flag);
    let any_of = |test: &dyn Fn(&Arg) -> bool| test(flag) || rivals.iter().any(|r| test(r));
    let words = args.iter().skip(1).take_while(|w| *w != "--").filter(|w| is_flag(w));
    words.into_iter().any(|word| {
        let text = word.to_string_lossy();
        match text.strip_prefix("--") {
            Some(long) => any_of(&|a| a.get_long() == long.split('=').next()),
            None => any_of(&|a| a.get_short().is_some_and(|s| text.contains(s))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::CommandFactory;

    fn with(line: &str, variables: &[(&str, &str)]) -> String {
        let mut root = Cli::command();
        root.build();
        let lookup = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        let (args, _) = add(&root, line.split(' ').map(OsString::from).collect(), lookup);
        args.into_iter().map(|a| a.into_string().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_variable_is_a_flag_that_was_not_typed() {
        assert_eq!(with("s list", &[("SAFEMIGRATE_STORE", "/b")]), "s --store=/b list");
        assert_eq!(with("s list --store a", &[("SAFEMIGRATE_STORE", "/b")]), "s list --store a");
        assert_eq!(with("s --store=a list", &[("SAFEMIGRATE_STORE", "/b")]), "s --store=a list");
        assert_eq!(with("s dev -- --json", &[("SAFEMIGRATE_JSON", "1")]), "s --json dev -- --json");
    }

    #[test]
    fn empty_and_false_are_not_set() {
        for off in ["", "0", "false", "no", "OFF"] {
            assert_eq!(with("s list", &[("SAFEMIGRATE_JSON", off)]), "s list");
        }
        assert_eq!(with("s list", &[("SAFEMIGRATE_STORE", "")]), "s list");
        assert_eq!(with("s list", &[("SAFEMIGRATE_NO_INPUT", "true")]), "s --no-input list");
    }

    #[test]
    fn loud_on_the_line_beats_quiet_in_the_environment() {
        assert_eq!(with("s list -v", &[("SAFEMIGRATE_QUIET", "1")]), "s list -v");
        assert_eq!(with("s list --verbose", &[("SAFEMIGRATE_QUIET", "1")]), "s list --verbose");
        assert_eq!(with("s list -yq", &[("SAFEMIGRATE_VERBOSE", "1")]), "s list -yq");
    }
}
