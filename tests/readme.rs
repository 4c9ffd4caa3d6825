//! The README says what the program does: every command, every exit code, every option of `reinsert`.

use safemigrate::error::ErrorKind;
use std::process::Command;

const README: &str = include_str!("../README.md");

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_safemigrate")).args(arguments).env_clear().output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The first words of the table rows of the README.
fn table_words() -> Vec<String> {
    let rows = README.lines().filter(|line| line.starts_with('|'));
    let cells = rows.filter_map(|line| line.split('|').nth(1));
    cells.flat_map(|cell| cell.split([' ', '`', ',', '/']).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_command_stands_in_the_table() {
    let help = help(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(table_words().iter().any(|word| word == name), "`{name}` is missing in the README");
    }
}

#[test]
fn every_exit_code_stands_in_the_table() {
    use ErrorKind::*;
    let kinds = [
        Usage,
        NoProject,
        DataLost,
        Production,
        NeedsYou,
        RowsDoNotFit,
        Confirmation,
        NoSuchBackup,
        Locked,
        Tool,
        Damaged,
        Interrupted,
        Other,
    ];
    for kind in kinds {
        let code = kind.exit_code().to_string();
        assert!(table_words().contains(&code), "exit code {code} ({}) is missing in the README", kind.name());
    }
}

#[test]
fn every_option_of_reinsert_is_named() {
    let help = help(&["reinsert", "--help"]);
    let ours = help.lines().skip_while(|l| *l != "Options:").take_while(|l| !l.starts_with("Everywhere"));
    let options: Vec<&str> = ours.filter_map(|l| l.trim().strip_prefix("--")?.split([' ', '<']).next()).collect();
    assert!(options.contains(&"map"), "{help}");
    for option in options {
        assert!(README.contains(&format!("`--{option}`")), "`--{option}` is missing in the README");
    }
}
