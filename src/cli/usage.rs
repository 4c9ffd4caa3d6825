//! clap's complaints in our own shape, so that one function prints every error.

use super::Stop;
use super::passthrough::{find_command, is_flag};
use crate::error::{Error, ErrorKind};
use crate::ui;
use clap::Command;
use clap::error::ErrorKind as ClapKind;
use std::ffi::OsString;

/// What to do instead of running. `args` are the words with the environment merged in, `variables` the names used.
pub(super) fn stop(error: &clap::Error, root: &Command, args: &[OsString], variables: &[String]) -> Stop {
    let settings = settings(args);
    let command = command_path(root, args);
    if !error.use_stderr() {
        return Stop::Help { settings, text: error.render().ansi().to_string() };
    }
    if is_without_command(error) && command == "safemigrate" && !settings.json {
        return Stop::Help { settings, text: root.clone().render_help().ansi().to_string() };
    }
    let mut wrong = Error::new(ErrorKind::Usage, message(error));
    let path = if command == "safemigrate" { command.clone() } else { format!("safemigrate {command}") };
    wrong.hints = tips(&error.render().to_string());
    let guilty = variables.iter().filter(|v| mentions(&wrong.message, v));
    wrong.hints.extend(guilty.map(|name| format!("it comes from the environment variable {name}")));
    wrong.hints.push(format!("`{path} --help` shows what there is"));
    Stop::Wrong { settings, command, error: Box::new(wrong) }
}

fn is_without_command(error: &clap::Error) -> bool {
    matches!(error.kind(), ClapKind::MissingSubcommand | ClapKind::DisplayHelpOnMissingArgumentOrSubcommand)
}

/// As much of the settings as a wrong line lets through: how to print the error.
fn settings(args: &[OsString]) -> ui::Settings {
    let words = args.iter().skip(1).take_while(|w| *w != "--").map(|w| w.to_string_lossy());
    let mut settings = ui::Settings::default();
    let mut before = String::new();
    for word in words {
        settings.json |= word == "--json";
        let color = word.strip_prefix("--color=").or((before == "--color").then_some(&*word));
        match color {
            Some("always") => settings.color = ui::Color::Always,
            Some("never") => settings.color = ui::Color::Never,
            _ => {}
        }
        before = word.into_owned();
    }
    settings
}

/// `guard status`, as far as the words name commands; `safemigrate` when they name none.
fn command_path(root: &Command, args: &[OsString]) -> String {
    let Some((at, command)) = find_command(root, args) else { return "safemigrate".to_owned() };
    let inner = args[at + 1..].iter().find(|w| !is_flag(w)).and_then(|w| command.find_subcommand(w));
    let names = std::iter::once(command).chain(inner).map(Command::get_name);
    names.collect::<Vec<_>>().join(" ")
}

/// The first paragraph on one line, without clap's `error: `.
fn message(error: &clap::Error) -> String {
    if is_without_command(error) {
        return "A command is missing".to_owned();
    }
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let line = first.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let sentence = worded(line.strip_prefix("error: ").unwrap_or(&line));
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// clap's `tip:` lines.
fn tips(text: &str) -> Vec<String> {
    text.lines().filter_map(|l| l.trim().strip_prefix("tip: ")).map(worded).collect()
}

/// Whether the message is about the flag that this variable mirrors.
fn mentions(message: &str, variable: &str) -> bool {
    let flag = variable.trim_start_matches("SAFEMIGRATE_").to_lowercase().replace('_', "-");
    message.contains(&format!("'--{flag} ")) || message.contains(&format!("'--{flag}'"))
}

/// clap's words for what we call a command, and no password.
fn worded(text: &str) -> String {
    redact(&text.replace("subcommand", "command"))
}

/// Takes passwords out of URLs that clap repeats: `postgres://me:***@host/db`.
fn redact(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(|c: char| c.is_whitespace() || c == '\'').unwrap_or(rest.len());
    let (url, after) = rest.split_at(end);
    let shown = match url.rsplit_once('@') {
        Some((login, host)) => format!("{}:***@{host}", login.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    };
    format!("{before}://{shown}{}", redact(after))
}

#[cfg(test)]
mod tests {
    use super::super::{Stop, parse_with};
    use super::*;

    fn wrong_with(line: &str, variables: &[(&str, &str)]) -> (String, bool, Error) {
        let lookup = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        match parse_with(line.split(' ').map(OsString::from).collect(), lookup) {
            Err(Stop::Wrong { settings, command, error }) => (command, settings.json, *error),
            Err(Stop::Help { text, .. }) => panic!("help: {text}"),
            Ok(cli) => panic!("{cli:?}"),
        }
    }

    fn wrong(line: &str) -> String {
        let (command, json, error) = wrong_with(line, &[]);
        format!("{command} {json}: {}\n{}", error.message, error.hints.join("\n"))
    }

    #[test]
    fn each_wrong_line_has_its_sentence() {
        insta::assert_snapshot!(wrong("s list --jsn"), @r"
        list false: Unexpected argument '--jsn' found
        a similar argument exists: '--json'
        `safemigrate list --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s lst"), @r"
        safemigrate false: Unrecognized command 'lst'
        some similar commands exist: 'lint', 'list'
        `safemigrate --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s show --json"), @r"
        show true: The following required arguments were not provided: <ID>
        `safemigrate show --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s backup --kind both2 --json"), @r"
        backup true: Invalid value 'both2' for '--kind <KIND>' [possible values: full, data-only, both]
        a similar value exists: 'both'
        `safemigrate backup --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s dev --schema --name x"), @r"
        dev false: A value is required for '--schema <PATH>' but none was supplied
        `safemigrate dev --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s prune --keep 0"), @r"
        prune false: Invalid value '0' for '--keep <N>': at least one has to stay
        `safemigrate prune --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s guard mark x"), @r"
        guard mark false: Unexpected argument 'x' found
        `safemigrate guard mark --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s list -q -v"), @r"
        list false: The argument '--quiet' cannot be used with '--verbose'
        `safemigrate list --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s --json"), @r"
        safemigrate true: A command is missing
        `safemigrate --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s guard --json"), @r"
        guard true: A command is missing
        `safemigrate guard --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s guard"), @r"
        guard false: A command is missing
        `safemigrate guard --help` shows what there is
        ");
        insta::assert_snapshot!(wrong("s list --store a --store b"), @r"
        list false: The argument '--store <DIR|URL>' cannot be used multiple times
        `safemigrate list --help` shows what there is
        ");
    }

    #[test]
    fn without_a_command_it_tells_the_story() {
        for line in ["s", "s -q", "s --store x", "s --help", "s -h", "s help"] {
            let words = line.split(' ').map(OsString::from).collect();
            let Err(Stop::Help { text, .. }) = parse_with(words, |_| None) else { panic!("{line}") };
            for command in ["dev", "rollback", "reinsert", "list"] {
                assert!(text.contains(&format!("\n  safemigrate {command} ")), "{line}: {text}");
            }
        }
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let (_, json, error) = wrong_with("s list", &[("SAFEMIGRATE_COLOR", "blue"), ("SAFEMIGRATE_JSON", "1")]);
        assert!(json);
        insta::assert_snapshot!(format!("{}\n{}", error.message, error.hints.join("\n")), @r"
        Invalid value 'blue' for '--color <WHEN>' [possible values: auto, always, never]
        it comes from the environment variable SAFEMIGRATE_COLOR
        `safemigrate list --help` shows what there is
        ");
    }

    #[test]
    fn a_url_in_the_wrong_place_shows_no_password() {
        insta::assert_snapshot!(wrong("s list postgres://me:se:c@ret@db/x"), @r"
        list false: Unexpected argument 'postgres://me:***@db/x' found
        `safemigrate list --help` shows what there is
        ");
        assert_eq!(redact("a://b 'c://u:p@h' d"), "a://b 'c://u:***@h' d");
    }
}
