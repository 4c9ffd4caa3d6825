//! One line of `package.json#scripts`: where it calls Prisma to migrate, and how it reads when safemigrate does.
//!
//! Read as a shell reads it: `&&`, `;`, quotes. What is called through something that leaves this folder or this machine
//! (`docker compose exec`, `pnpm --filter`) is told and left alone: our program need not be there.

mod empties;

pub use empties::empties_a_database;

use crate::domain::prisma_command::GUARDED;
use std::ops::Range;

/// Words that run a package's program here and may go: npm scripts have it in their PATH.
const RUNNERS: [(&str, &[&str]); 7] = [
    ("npx", &[]),
    ("pnpx", &[]),
    ("bunx", &[]),
    ("npm", &["exec", "x", "run", "run-script"]),
    ("pnpm", &["", "exec", "dlx", "run"]),
    ("yarn", &["", "run", "exec", "dlx"]),
    ("bun", &["", "x", "run"]),
];

/// Their flags that change nothing about which program runs, and where.
const RUNNER_FLAGS: [&str; 12] =
    ["--", "-y", "--yes", "--no", "--no-install", "-q", "--quiet", "-s", "--silent", "--bun", "-B", "--binaries-only"];

/// What follows runs in another folder, another package or another machine.
const ELSEWHERE: [&str; 22] = [
    "npm",
    "npx",
    "pnpm",
    "pnpx",
    "yarn",
    "bun",
    "bunx",
    "node",
    "workspace",
    "workspaces",
    "lerna",
    "nx",
    "turbo",
    "docker",
    "docker-compose",
    "podman",
    "ssh",
    "kubectl",
    "heroku",
    "fly",
    "flyctl",
    "sudo",
];

/// What follows is text.
const TEXT: [&str; 5] = ["echo", "printf", "#", ":", "true"];

/// How Prisma is called by the file itself.
const SCRIPT_FILE: &str = "prisma/build/index.js";

/// Replace these bytes of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub range: Range<usize>,
    pub with: String,
}

/// What a line becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    pub edits: Vec<Edit>,
    /// Calls of Prisma that were left as they are, as they stand in the line.
    pub left: Vec<String>,
}

/// Reads a line. One whose quotes do not close is left alone as a whole.
pub fn read(line: &str) -> Reading {
    let mut reading = Reading::default();
    match commands(line) {
        Some(commands) => commands.iter().for_each(|words| examine(line, 0, words, &mut reading)),
        None if line.contains("prisma") => reading.left.push(line.to_owned()),
        None => {}
    }
    reading
}

/// The line with the edits made.
pub fn edited(line: &str, edits: &[Edit]) -> String {
    let mut text = line.to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.range.clone(), &edit.with);
    }
    text
}

/// Whether the line runs `safemigrate dev` already.
pub fn runs_dev(line: &str) -> bool {
    let commands = commands(line).unwrap_or_default();
    commands.iter().any(|words| words.windows(2).any(|two| two[0].text == "safemigrate" && two[1].text == "dev"))
}

/// A word of a command, without its quotes.
struct Word {
    range: Range<usize>,
    text: String,
    /// What stands between the quotes of a word that is quoted as a whole.
    quoted: Option<Range<usize>>,
}

/// The simple commands of a line; `None` where a quote does not close.
fn commands(line: &str) -> Option<Vec<Vec<Word>>> {
    let mut commands = vec![Vec::new()];
    let mut letters = line.char_indices().peekable();
    while let Some(&(start, letter)) = letters.peek() {
        match letter {
            '&' | '|' | ';' | '(' | ')' | '\n' => {
                letters.next();
                commands.push(Vec::new());
            }
            _ if letter.is_whitespace() => _ = letters.next(),
            _ => {
                let mut text = String::new();
                let mut quotes = Vec::new();
                while let Some((at, letter)) = letters.next_if(|(_, c)| !c.is_whitespace() && !"&|;()".contains(*c)) {
                    match letter {
                        '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                        '\'' | '"' => {
                            let (inner, end) = quoted(line, &mut letters, letter)?;
                            quotes.push(at..end);
                            text.push_str(&inner);
                        }
                        _ => text.push(letter),
                    }
                }
                let end = letters.peek().map_or(line.len(), |(at, _)| *at);
                let whole = quotes.first().filter(|q| q.start == start && q.end == end).map(|q| start + 1..q.end - 1);
                commands.last_mut()?.push(Word { range: start..end, text, quoted: whole });
            }
        }
    }
    commands.retain(|words| !words.is_empty());
    Some(commands)
}

/// The rest of a quoted part: its text, and where it ends with its quote.
fn quoted(
    line: &str,
    letters: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    quote: char,
) -> Option<(String, usize)> {
    let mut text = String::new();
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => return Some((text, at + quote.len_utf8())),
            '\\' if quote == '"' => text.extend(letters.next().map(|(_, escaped)| escaped)),
            _ => text.push(letter),
        }
    }
    debug_assert!(letters.peek().is_none(), "{line}");
    None
}

/// Finds the call in one command; `offset` is where its text begins in the whole line.
fn examine(line: &str, offset: usize, words: &[Word], reading: &mut Reading) {
    let first = words.iter().position(|word| !is_assignment(&word.text)).unwrap_or(words.len());
    let head = &words[first..];
    if head.first().is_none_or(|word| TEXT.contains(&word.text.as_str()))
        || head.iter().any(|w| w.text == "safemigrate")
    {
        return;
    }
    let Some((at, ours)) = call(head) else {
        let inside = quoted_commands(line, offset, head);
        let left =
            inside.edits.iter().filter(|_| is_elsewhere(head)).map(|_| line[head[0].range.start + offset..].to_owned());
        reading.left.extend(left.take(1).chain(inside.left));
        return reading.edits.extend(inside.edits.into_iter().filter(|_| !is_elsewhere(head)));
    };
    let end = head[at + 2].range.end;
    let by_file = head[at].text.ends_with(SCRIPT_FILE);
    let runner = (0..at).find(|&from| if by_file { is_node(&head[from..at]) } else { is_runner(&head[from..at]) });
    let start = runner.unwrap_or(at);
    // in a text that is quoted only what begins with the call is one for sure
    let unsure = by_file && runner.is_none() || offset > 0 && start > 0;
    if is_elsewhere(&head[..start]) || unsure {
        reading.left.push(line[head[0].range.start + offset..end + offset].to_owned());
        return;
    }
    let range = head[start].range.start + offset..end + offset;
    reading.edits.push(Edit { range, with: format!("safemigrate {ours}") });
}

/// `concurrently "prisma migrate dev" "next dev"`, `sh -c 'prisma migrate deploy && node .'`: commands inside of words.
fn quoted_commands(line: &str, offset: usize, words: &[Word]) -> Reading {
    let mut reading = Reading::default();
    for inside in words.iter().filter_map(|word| word.quoted.clone()) {
        let (from, to) = (inside.start + offset, inside.end + offset);
        let text = &line[from..to];
        // an escaped quote is one of a third level: too deep to be sure
        if text.contains('\\') || !text.contains(char::is_whitespace) {
            continue;
        }
        for command in commands(text).unwrap_or_default() {
            examine(line, from, &command, &mut reading);
        }
    }
    reading
}

/// Where `prisma migrate dev` begins, and our word for it.
fn call(words: &[Word]) -> Option<(usize, &'static str)> {
    (0..words.len().saturating_sub(2)).find_map(|at| {
        let [program, rest @ ..] = &words[at..] else { return None };
        let mut with_own_command = GUARDED.iter().filter(|known| known.has_own_command());
        let guarded = with_own_command.find(|known| known.words == [rest[0].text.as_str(), &rest[1].text])?;
        is_prisma(&program.text).then_some((at, guarded.action.name()))
    })
}

/// `prisma`, `prisma@6`, `./node_modules/.bin/prisma`, `node_modules/prisma/build/index.js`.
fn is_prisma(text: &str) -> bool {
    let name = text.rsplit_once("node_modules/.bin/").map_or(text, |(_, name)| name);
    let name = name.split('@').next().unwrap_or_default();
    ["prisma", "prisma7"].contains(&name) || text.ends_with(SCRIPT_FILE)
}

fn is_assignment(text: &str) -> bool {
    let name = text.split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_node(words: &[Word]) -> bool {
    words.len() == 1 && words[0].text == "node"
}

/// `npx --yes`, `pnpm exec`, `yarn`: and nothing that says where or which.
fn is_runner(words: &[Word]) -> bool {
    let Some((program, rest)) = words.split_first() else { return false };
    let Some((_, verbs)) = RUNNERS.iter().find(|(name, _)| *name == program.text) else { return false };
    let mut rest = rest.iter().map(|word| word.text.as_str()).filter(|word| !RUNNER_FLAGS.contains(word));
    match (rest.next(), rest.next()) {
        (None, _) => verbs.is_empty() || verbs.contains(&""),
        (Some(verb), None) => verbs.contains(&verb),
        _ => false,
    }
}

/// Whether these words in front lead away from here: their program, past a runner (`npx dotenv --`), is known to.
fn is_elsewhere(words: &[Word]) -> bool {
    let flag = |at: usize| words.get(at).is_none_or(|word| word.text.starts_with('-'));
    let past = (1..words.len()).rev().find(|&at| is_runner(&words[..at]) && !flag(at)).unwrap_or(0);
    words.get(past).is_some_and(|word| ELSEWHERE.contains(&word.text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn guarded(line: &str) -> String {
        edited(line, &read(line).edits)
    }

    #[test]
    fn every_way_of_calling_prisma_is_found() {
        for (line, wanted) in [
            ("prisma migrate dev", "safemigrate dev"),
            ("prisma migrate deploy", "safemigrate deploy"),
            ("prisma migrate reset --force", "safemigrate reset --force"),
            ("prisma db push --accept-data-loss", "safemigrate push --accept-data-loss"),
            ("npx prisma migrate dev --name init", "safemigrate dev --name init"),
            ("npx --yes prisma@6.19 migrate dev", "safemigrate dev"),
            ("pnpm prisma migrate dev", "safemigrate dev"),
            ("pnpm exec prisma migrate dev", "safemigrate dev"),
            ("pnpm dlx prisma migrate dev", "safemigrate dev"),
            ("yarn prisma migrate dev", "safemigrate dev"),
            ("yarn run -B prisma migrate dev", "safemigrate dev"),
            ("bunx prisma migrate dev", "safemigrate dev"),
            ("bunx --bun prisma migrate dev", "safemigrate dev"),
            ("bun x prisma migrate dev", "safemigrate dev"),
            ("bun --bun run prisma db push", "safemigrate push"),
            ("npm exec -- prisma migrate dev", "safemigrate dev"),
            ("npm run prisma migrate dev", "safemigrate dev"),
            ("./node_modules/.bin/prisma migrate deploy", "safemigrate deploy"),
            ("node ./node_modules/prisma/build/index.js migrate deploy", "safemigrate deploy"),
            ("prisma7 migrate dev", "safemigrate dev"),
        ] {
            assert_eq!(guarded(line), wanted);
        }
    }

    #[test]
    fn the_rest_of_the_line_stays() {
        for (line, wanted) in [
            (
                "prisma generate && prisma migrate deploy && next build",
                "prisma generate && safemigrate deploy && next build",
            ),
            ("prisma migrate reset -f;prisma db seed||exit 1", "safemigrate reset -f;prisma db seed||exit 1"),
            ("(npx prisma migrate dev) 2>&1 | tee log", "(safemigrate dev) 2>&1 | tee log"),
            ("NODE_ENV=test  X='a b' prisma  migrate  dev", "NODE_ENV=test  X='a b' safemigrate dev"),
            ("cross-env A=b npx prisma migrate dev", "cross-env A=b safemigrate dev"),
            ("dotenv -e .env.local -- npx prisma migrate dev", "dotenv -e .env.local -- safemigrate dev"),
            ("npx dotenv -e .env -- prisma db push", "npx dotenv -e .env -- safemigrate push"),
            ("pnpm dotenv -- pnpm prisma db push", "pnpm dotenv -- safemigrate push"),
            ("concurrently \"prisma migrate dev\" 'next dev'", "concurrently \"safemigrate dev\" 'next dev'"),
            ("sh -c 'npx prisma migrate deploy && node .'", "sh -c 'safemigrate deploy && node .'"),
            ("prisma migrate dev && prisma migrate dev --x", "safemigrate dev && safemigrate dev --x"),
            ("ä && prisma migrate dev ü", "ä && safemigrate dev ü"),
            ("tsc &\nprisma db push", "tsc &\nsafemigrate push"),
            ("doppler run -- prisma migrate deploy", "doppler run -- safemigrate deploy"),
        ] {
            assert_eq!(guarded(line), wanted);
        }
    }

    #[test]
    fn what_is_no_such_call_stays() {
        for line in [
            "",
            "next dev",
            "prisma generate",
            "prisma migrate status",
            "prisma migrate",
            "prisma db pull",
            "prisma db seed",
            "prisma studio",
            "safemigrate dev",
            "npx safemigrate prisma migrate dev",
            "safemigrate run -- prisma migrate dev",
            "echo prisma migrate dev",
            "echo \"prisma migrate dev\"",
            "git commit -m \"prisma\"",
            "my-prisma migrate dev",
            "prisma-x migrate dev",
            "npm run db -- migrate dev",
            "prisma migrate development",
        ] {
            assert_eq!(read(line), Reading::default(), "{line}");
        }
    }

    #[test]
    fn what_runs_elsewhere_is_told_and_left() {
        for (line, left) in [
            (
                "docker compose exec app npx prisma migrate deploy && x",
                "docker compose exec app npx prisma migrate deploy",
            ),
            ("pnpm --filter db exec prisma migrate dev -n x", "pnpm --filter db exec prisma migrate dev"),
            ("pnpm -C packages/db prisma migrate dev", "pnpm -C packages/db prisma migrate dev"),
            ("yarn workspace db prisma db push", "yarn workspace db prisma db push"),
            ("npm --prefix api run prisma migrate dev", "npm --prefix api run prisma migrate dev"),
            ("npx -p prisma@5 prisma migrate dev", "npx -p prisma@5 prisma migrate dev"),
            ("A=b ssh host 'cd /app && prisma migrate deploy'", "ssh host 'cd /app && prisma migrate deploy'"),
            ("git commit -m \"run prisma migrate dev later\"", "run prisma migrate dev"),
            ("sh -c \"prisma migrate dev", "sh -c \"prisma migrate dev"),
        ] {
            let reading = read(line);
            assert_eq!((reading.edits.len(), reading.left), (0, vec![left.to_owned()]), "{line}");
        }
    }

    #[test]
    fn a_line_that_runs_dev_is_known() {
        assert!(runs_dev("safemigrate dev --name x") && runs_dev("a && npx safemigrate dev"));
        assert!(!runs_dev("safemigrate deploy") && !runs_dev("next dev"));
    }

    proptest! {
        /// Whatever stands in a line: reading it once leaves nothing to rewrite, and nothing but calls is touched.
        #[test]
        fn once_is_enough(parts in prop::collection::vec(
            "(prisma|npx |pnpm exec |migrate|dev|deploy|db|push| |&&|;|\"|'|\\\\|ä|echo|=|--|safemigrate|x)", 0..14)) {
            let line = parts.join("");
            let reading = read(&line);
            let once = edited(&line, &reading.edits);
            prop_assert_eq!(read(&once).edits, vec![]);
            let touched: usize = reading.edits.iter().map(|e| e.range.len()).sum();
            let written: usize = reading.edits.iter().map(|e| e.with.len()).sum();
            prop_assert_eq!(once.len() + touched, line.len() + written);
            for edit in &reading.edits {
                prop_assert!(line[edit.range.clone()].contains("prisma"), "{line}: {edit:?}");
            }
        }
    }
}
