//! Completions and pages of `man`, as the program writes them: each command, each flag, and a shell that completes.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Output, Terminal};

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

fn safemigrate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safemigrate"));
    Output::of(command.args(arguments).env_clear().env("COLUMNS", "100"))
}

/// What `--help` lists under a heading, by the first word of each line.
fn listed(arguments: &[&str], heading: &str) -> BTreeSet<String> {
    let help = safemigrate(arguments).ok().stdout;
    let inside = |line: &&str| line.is_empty() || line.starts_with(' ');
    let lines = help.lines().skip_while(|line| *line != heading).skip(1).take_while(inside);
    lines.filter(|line| line.starts_with("  ") && !line.starts_with("          ")).filter_map(first_name).collect()
}

/// `--project` of `      --project <DIR>  …`, `--yes` of `  -y, --yes  …`, `dev` of `  dev  …`.
fn first_name(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('<')).take(2).collect();
    let name = words.iter().find(|word| word.starts_with("--")).or(words.first());
    name.map(|&name| name.to_owned())
}

fn commands() -> BTreeSet<String> {
    let mut commands = listed(&["--help"], "Commands:");
    assert!(commands.len() > 15 && commands.remove("help"), "{commands:?}");
    commands
}

/// A program on this machine, if it is there.
fn installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

#[test]
fn every_shell_knows_every_command_and_flag() {
    let flags = listed(&["reinsert", "--help"], "Everywhere:");
    assert!(flags.contains("--store") && flags.contains("--yes"), "{flags:?}");
    let of_reinsert = listed(&["reinsert", "--help"], "Options:");
    assert!(of_reinsert.contains("--on-conflict"), "{of_reinsert:?}");
    for shell in SHELLS {
        let script = safemigrate(&["completions", shell]).ok().stdout;
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        for flag in flags.union(&of_reinsert) {
            // fish writes `-l store`
            let name = flag.trim_start_matches("--");
            assert!(script.contains(flag) || script.contains(&format!("-l {name}")), "{shell}: {flag}");
        }
    }
}

#[test]
fn the_scripts_are_scripts() {
    let folder = tempfile::tempdir().unwrap();
    for shell in SHELLS {
        let file = folder.path().join(format!("completions.{shell}"));
        fs::write(&file, safemigrate(&["completions", shell]).ok().stdout).unwrap();
        // PowerShell has no such flag
        if shell != "powershell" && (shell == "bash" || installed(shell)) {
            let said = Output::of(Command::new(shell).arg("-n").arg(&file)).ok();
            assert!(said.stdout.is_empty() && said.stderr.is_empty(), "{said}");
        }
    }
}

/// A bash of its own that knows our completions.
fn bash(home: &Path) -> Terminal {
    let programs = Path::new(env!("CARGO_BIN_EXE_safemigrate")).parent().unwrap();
    let path = std::env::join_paths([programs, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-i"]).current_dir(home).env_clear();
    bash.env("PATH", path).env("HOME", home).env("TERM", "dumb").env("PS1", "ready> ").env("LANG", "C.UTF-8");
    let mut terminal = Terminal::spawn(bash);
    terminal.expect("ready> ");
    // readline shows nothing where the terminal does not
    terminal.send_line("stty echo; source <(safemigrate completions bash)");
    terminal.expect("ready> ");
    terminal
}

#[test]
fn bash_completes_at_a_terminal() {
    let home = tempfile::tempdir().unwrap();
    for (typed, completed) in [
        ("rein\t--dry\t--on-conflict f\t", "safemigrate reinsert --dry-run --on-conflict fill "),
        ("guard m\t", "safemigrate guard mark "),
        ("--no-in\tver\t", "safemigrate --no-input verify "),
    ] {
        let mut terminal = bash(home.path());
        terminal.send(&format!("safemigrate {typed}"));
        terminal.expect(completed);
        terminal.kill9();
    }
}

#[test]
fn completions_are_one_object_with_json() {
    let output = safemigrate(&["completions", "fish", "--json"]).ok();
    let object: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        (&object["command"], &object["ok"], &object["shell"]),
        (&"completions".into(), &true.into(), &"fish".into())
    );
    assert_eq!(object["script"], safemigrate(&["completions", "fish"]).stdout);
    safemigrate(&["completions", "csh"]).code(2).says("[possible values: bash, elvish, fish, powershell, zsh]");
}

#[test]
fn man_has_a_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    let written = safemigrate(&["man", &pages.display().to_string()]).ok();
    let all = commands().into_iter().map(|command| format!("safemigrate-{command}.1"));
    let inner = ["safemigrate.1", "safemigrate-guard-mark.1"].map(str::to_owned);
    for name in all.chain(inner) {
        assert!(written.stdout.lines().any(|line| line == name), "{name}: {written}");
        let page = fs::read_to_string(pages.join(&name)).unwrap();
        let command = name.trim_end_matches(".1").replacen('-', " ", 1);
        let title = name.trim_end_matches(".1").replace('-', "\\-");
        assert!(page.contains(&format!(".SH NAME\n{title} \\- ")), "{name}: {page}");
        assert!(page.contains(".SH SYNOPSIS") && page.contains(env!("CARGO_PKG_VERSION")), "{name}: {page}");
        let example = command.replace("guard-mark", "guard");
        assert!(page.contains(&example), "{example}: {page}");
        if installed("lexgrog") {
            // what `apropos` finds
            let known = Output::of(Command::new("lexgrog").arg(pages.join(&name))).ok();
            assert_eq!(known.stdout.lines().count(), 1, "{known}");
        }
    }
    assert!(!pages.join("safemigrate-man.1").exists() && !pages.join("safemigrate-help.1").exists());
}
