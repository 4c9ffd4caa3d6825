//! What each room may touch. A rule takes one file and names every line that breaks it.

use super::source::{Path, Token, paths, tokens};

/// Who may use whom: main → {cli, commands} → operations → {prisma, postgres, store, git, scheduler} → domain, commands → ui → domain,
/// each with all that lies behind its arrows. Besides:
/// - everybody may use `error`;
/// - who touches the world, or leads through it, may name the places at which the crash tests strike (`fault`);
/// - `prisma` may use `postgres::url`: a database URL is a value, and the project's settings are where it comes from;
/// - `prisma` may use `git`: which commit a project is at is the project's;
/// - `cli` is plain data (the typed arguments), so `commands` take theirs from it, and it never calls them;
/// - `cli` may use `ui` for what the user said about talking, and knows from `domain` which of Prisma's commands are ours.
pub const ARROWS: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("git", &["domain"]),
    ("scheduler", &["domain"]),
    ("prisma", &["domain", "postgres::url", "git"]),
    ("postgres", &["domain"]),
    ("store", &["domain"]),
    ("operations", &["prisma", "postgres", "store", "git", "scheduler", "domain"]),
    ("ui", &["domain"]),
    ("cli", &["ui", "domain"]),
    ("commands", &["cli", "ui", "operations", "prisma", "postgres", "store", "git", "scheduler", "domain"]),
    ("web", &["operations", "prisma", "postgres", "store", "git", "domain"]),
];

/// Rooms in which a crash or a disk may strike.
const FRAGILE: [&str; 4] = ["prisma", "postgres", "store", "operations"];

/// They name every room: `main` starts the program, `lib` lists the modules.
const ROOTS: [&str; 2] = ["main.rs", "lib.rs"];

const LONGEST_FILE: usize = 400;

/// A source file; its name is that below `src/`.
pub struct File {
    name: String,
    lines: usize,
    tokens: Vec<Token>,
    paths: Vec<Path>,
}

impl File {
    pub fn new(name: &str, text: &str) -> Self {
        let tokens = tokens(text);
        let paths = paths(&tokens, &module(name));
        Self { name: name.to_owned(), lines: text.lines().count(), tokens, paths }
    }

    /// The folder or file right below `src/`: `store`, `error`.
    fn room(&self) -> &str {
        self.name.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.name == *place || self.name.starts_with(&format!("{place}/")))
    }

    fn fault(&self, line: usize, what: String) -> String {
        format!("src/{}:{line}: {what}", self.name)
    }
}

/// `ui/table.rs` is the module `ui::table`, `ui/mod.rs` is `ui`, `lib.rs` is the crate.
fn module(name: &str) -> Vec<String> {
    if ROOTS.contains(&name) {
        return Vec::new();
    }
    let stem = name.trim_end_matches(".rs");
    stem.trim_end_matches("/mod").split('/').map(str::to_owned).collect()
}

pub fn arrows(file: &File) -> Vec<String> {
    let room = file.room();
    if ROOTS.contains(&file.name.as_str()) {
        return Vec::new();
    }
    let allowed = match ARROWS.iter().find(|(name, _)| *name == room) {
        Some((_, allowed)) => *allowed,
        None if ["error", "fault"].contains(&room) => &[],
        None => return vec![file.fault(1, format!("the room {room} is not in ARROWS of tests/architecture/rules.rs"))],
    };
    let may = |path: &Path| {
        let names: Vec<&str> = path.names[1..].iter().map(String::as_str).collect();
        let inside = |place: &str| place.split("::").eq(names.iter().take(place.split("::").count()).copied());
        !is_room(names[0])
            || names[0] == room
            || names[0] == "error"
            || (names[0] == "fault" && FRAGILE.contains(&room))
            || allowed.iter().any(|place| inside(place))
    };
    let ours =
        file.paths.iter().filter(|p| ["crate", "safemigrate"].contains(&p.names[0].as_str()) && p.names.len() > 1);
    let wrong = ours.filter(|path| !may(path));
    let says = if allowed.is_empty() { "nothing but error".to_owned() } else { allowed.join(", ") };
    wrong.map(|p| file.fault(p.line, format!("{room} uses {}, but it may use only: {says}", p.text()))).collect()
}

/// Also a room that is not built yet; names at the root that are no rooms belong to the crate itself.
fn is_room(name: &str) -> bool {
    ["error", "fault", "main"].contains(&name) || ARROWS.iter().any(|(room, _)| *room == name)
}

pub fn printing(file: &File) -> Vec<String> {
    const MACROS: [&str; 5] = ["println", "eprintln", "print", "eprint", "dbg"];
    if file.is_in(&["ui"]) {
        return Vec::new();
    }
    let pairs = file.tokens.iter().zip(file.tokens.iter().skip(1));
    let found = pairs.filter(|(name, sign)| sign.text == "!" && MACROS.contains(&name.text.as_str()));
    found.map(|(name, _)| file.fault(name.line, format!("{}! outside ui/: hand it to Ui", name.text))).collect()
}

pub fn sql(file: &File) -> Vec<String> {
    if file.is_in(&["postgres"]) {
        return Vec::new();
    }
    let found = file.tokens.iter().filter(|t| t.text == "sqlx");
    found.map(|t| file.fault(t.line, "sqlx outside postgres/: only that room speaks to a server".to_owned())).collect()
}

/// A command line is put together in `postgres/tools.rs` (scrubbed environment, no password in argv) in `prisma/`,
/// in `git/` and in `scheduler/`; the rest of `postgres/` may run what `tools` made, and nobody else knows about processes.
pub fn processes(file: &File) -> Vec<String> {
    /// They start nothing.
    const HARMLESS: [&str; 5] = ["exit", "ExitCode", "id", "abort", "Stdio"];
    if file.is_in(&["postgres/tools.rs", "prisma", "git", "scheduler"]) {
        return Vec::new();
    }
    let starts = |path: &&Path| match path.names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [.., "Command", "new"] => true,
        ["std" | "tokio", "process", name, ..] => !file.is_in(&["postgres"]) && !HARMLESS.contains(&name),
        ["std" | "tokio", "process"] => true,
        _ => false,
    };
    let found = file.paths.iter().filter(starts);
    let what =
        |p: &Path| format!("{}: children are made in postgres/tools.rs, prisma/, git/ and scheduler/ only", p.text());
    found.map(|p| file.fault(p.line, what(p))).collect()
}

/// Files, clocks, environment, network, async and printing belong to the rooms around `domain`.
/// `std::io::Read`, `IpAddr` and `Duration` are values and parsers: they reach nothing by themselves.
pub fn pure_domain(file: &File) -> Vec<String> {
    if !file.is_in(&["domain"]) {
        return Vec::new();
    }
    let outside = |path: &&Path| match path.names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["std", "fs" | "env" | "process" | "thread", ..] | ["jiff" | "tokio", ..] => true,
        ["std", "io", name, ..] => ["stdin", "stdout", "stderr"].contains(&name),
        ["std", "net", name, ..] => !name.starts_with("Ip") && !name.starts_with("SocketAddr"),
        ["std", "time", name, ..] => name != "Duration",
        _ => false,
    };
    let found = file.paths.iter().filter(outside);
    found.map(|p| file.fault(p.line, format!("{} in domain/: no I/O, no async, no clock there", p.text()))).collect()
}

pub fn drawers(file: &File) -> Vec<String> {
    const DRAWERS: [&str; 7] = ["util", "utils", "common", "helper", "helpers", "misc", "shared"];
    let found = file.name.trim_end_matches(".rs").split('/').find(|part| DRAWERS.contains(part));
    let what = |part| format!("a drawer called {part}: say what is in it");
    found.map(|part| file.fault(1, what(part))).into_iter().collect()
}

pub fn length(file: &File) -> Vec<String> {
    let too_long = file.lines > LONGEST_FILE;
    let what = || format!("{} lines; {LONGEST_FILE} is the most a file may have", file.lines);
    too_long.then(|| file.fault(file.lines, what())).into_iter().collect()
}
