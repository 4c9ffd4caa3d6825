//! Prisma's own commands: which of them can destroy, and as what each is guarded.

use super::guard::Action;

/// One of Prisma's commands that can destroy data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded {
    /// `migrate`, `dev`
    pub words: [&'static str; 2],
    /// The guarded command that it is, or that its risk equals.
    pub action: Action,
    /// What it can do to data, for the documentation.
    pub risk: &'static str,
}

const fn guarded(group: &'static str, verb: &'static str, action: Action, risk: &'static str) -> Guarded {
    Guarded { words: [group, verb], action, risk }
}

pub const DEV: Guarded =
    guarded("migrate", "dev", Action::Dev, "applies migrations, also a draft of its own that drops what was renamed");
pub const DEPLOY: Guarded =
    guarded("migrate", "deploy", Action::Deploy, "applies whatever the migration files say, without a question");
pub const RESET: Guarded = guarded("migrate", "reset", Action::Reset, "drops everything");
pub const PUSH: Guarded = guarded(
    "db",
    "push",
    Action::Push,
    "drops what the schema does not know (`--accept-data-loss`), or everything (`--force-reset`)",
);

/// All of them, of Prisma 5, 6 and 7.
pub const GUARDED: [Guarded; 8] = [
    DEV,
    DEPLOY,
    RESET,
    PUSH,
    guarded("migrate", "resolve", Action::Run, "changes what Prisma takes for applied"),
    guarded("db", "execute", Action::Run, "runs any SQL"),
    guarded("db", "seed", Action::Run, "runs the project's own script"),
    guarded("db", "drop", Action::Reset, "drops the database (very old versions)"),
];

impl Guarded {
    /// Whether `safemigrate` has a command of its own for it.
    pub fn has_own_command(&self) -> bool {
        [DEV, DEPLOY, RESET, PUSH].contains(self)
    }
}

/// A command line of Prisma that destroys, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destructive {
    pub command: Guarded,
    /// Where its two words stand.
    pub at: [usize; 2],
}

/// The destructive command in Prisma's words; `None`: they can be let through as they are. Prisma lets a few flags stand
/// before and between the two words. A line that only might be one of these is taken for one: a backup too many.
pub fn destructive<W: AsRef<str>>(words: &[W]) -> Option<Destructive> {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    // behind a `--` it is no flag any more
    if !words.contains(&"--") && words.iter().any(|word| matches!(*word, "--help" | "-h")) {
        return None;
    }
    words.iter().enumerate().find_map(|(first, group)| {
        let (second, verb) = words.iter().enumerate().skip(first + 1).find(|(_, word)| is_verb(group, word))?;
        let command = GUARDED.into_iter().find(|known| known.words == [*group, *verb])?;
        Some(Destructive { command, at: [first, second] })
    })
}

/// Whether a command touches no database in any Prisma there is or will be; newer ones have other commands that migrate.
pub fn is_harmless_in_every_version(word: &str) -> bool {
    const HARMLESS: [&str; 7] = ["generate", "validate", "format", "version", "debug", "init", "help"];
    word.starts_with('-') || HARMLESS.contains(&word)
}

/// Whether Prisma knows this command in the group; what follows it are its arguments.
fn is_verb(group: &str, word: &str) -> bool {
    let harmless = matches!((group, word), ("migrate", "status" | "diff") | ("db", "pull"));
    harmless || GUARDED.iter().any(|known| known.words == [group, word])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        destructive(&words).map(|found| format!("{} {:?}", found.command.words.join(" "), found.at))
    }

    #[test]
    fn table() {
        for (line, expected) in [
            ("migrate dev", Some("migrate dev [0, 1]")),
            ("migrate reset --force", Some("migrate reset [0, 1]")),
            ("migrate deploy --schema x", Some("migrate deploy [0, 1]")),
            ("migrate resolve --applied x", Some("migrate resolve [0, 1]")),
            ("db push --force-reset", Some("db push [0, 1]")),
            ("db execute --stdin", Some("db execute [0, 1]")),
            ("db seed", Some("db seed [0, 1]")),
            ("db drop", Some("db drop [0, 1]")),
            ("--config c.ts migrate dev", Some("migrate dev [2, 3]")),
            ("migrate --config=c.ts reset", Some("migrate reset [0, 2]")),
            ("migrate --config c.ts reset", Some("migrate reset [0, 3]")),
            ("-- migrate reset", Some("migrate reset [1, 2]")),
            ("migrate reset -- --help", Some("migrate reset [0, 1]")),
            ("migrate dev --name migrate", Some("migrate dev [0, 1]")),
            ("migrate dev --help", None),
            ("db push -h", None),
            ("migrate status", None),
            ("migrate status dev", None),
            ("migrate diff --from-empty --to-schema-datamodel dev", None),
            ("db pull --force", None),
            ("generate", None),
            ("studio", None),
            ("migrate", None),
            ("dev", None),
            ("--version", None),
            ("", None),
        ] {
            assert_eq!(found(line).as_deref(), expected, "{line}");
        }
    }
}
