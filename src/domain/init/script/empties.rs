//! Scripts that empty whatever database they meet.

use super::{TEXT, Word, commands, is_prisma};
use crate::domain::prisma_command::{PUSH, RESET, destructive};

/// Whether a line calls `prisma migrate reset` or `prisma db push --force-reset` without safemigrate, also inside of a word
/// that is quoted. One whose quotes do not close is taken by its words.
pub fn empties_a_database(line: &str) -> bool {
    match commands(line) {
        Some(commands) => commands.iter().any(|words| in_command(line, words)),
        None => ["prisma", "reset"].iter().all(|word| line.contains(word)),
    }
}

fn in_command(line: &str, words: &[Word]) -> bool {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    if texts.first().is_none_or(|first| TEXT.contains(first)) || texts.contains(&"safemigrate") {
        return false;
    }
    let resets = texts.iter().position(|text| is_prisma(text)).and_then(|at| destructive(&texts[at + 1..]));
    let forced = texts.contains(&"--force-reset");
    resets.is_some_and(|found| found.command == RESET || (found.command == PUSH && forced))
        || words.iter().filter_map(|word| word.quoted.clone()).any(|inside| empties_a_database(&line[inside]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for bare in [
            "prisma migrate reset",
            "npx prisma migrate reset --force && npm run seed",
            "dotenv -- pnpm exec prisma migrate reset",
            "a; ./node_modules/.bin/prisma migrate reset",
            "prisma db push --force-reset",
            "npx prisma@6 --config x.ts migrate reset",
            "sh -c 'prisma migrate reset'",
            "sh -c 'prisma migrate reset",
        ] {
            assert!(empties_a_database(bare), "{bare}");
        }
        for fine in [
            "safemigrate reset",
            "safemigrate prisma migrate reset",
            "npx safemigrate prisma migrate reset",
            "prisma migrate dev",
            "npx safemigrate reset && prisma generate",
            "prisma db push",
            "prisma migrate reset --help",
            "echo prisma migrate reset",
            "echo migrate reset",
            "prisma generate; echo migrate reset",
        ] {
            assert!(!empties_a_database(fine), "{fine}");
        }
    }
}
