//! What other programs show of our command line: a shell's completions, the pages of `man`. Both come from clap's own
//! definition, so that they cannot say anything else than `--help`.

use super::Cli;
use crate::error::{Context, ErrorKind, Result};
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use std::path::PathBuf;

const NAME: &str = "safemigrate";

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell that is to complete our words
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct UiArgs {
    /// Where it is served, on 127.0.0.1; the first free one from 5656 on
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Print the address and open nothing
    #[arg(long)]
    pub no_open: bool,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder to write the pages into; made where it is missing
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// The script that teaches `shell` our commands and flags.
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// A page of `man`, in roff.
pub struct ManPage {
    /// `safemigrate-dev.1`
    pub file: String,
    pub text: String,
}

/// One page for the program and one for each command that `--help` shows, the inner ones (`guard mark`) too.
///
/// # Errors
/// None that is known: a page is written into memory.
pub fn man_pages() -> Result<Vec<ManPage>> {
    // `help` and what is hidden have no page, and a page's heading takes one line of our story
    let story = Cli::command().get_about().map(ToString::to_string).unwrap_or_default();
    let headline = story.lines().next().unwrap_or_default().to_owned();
    let mut root = Cli::command().about(headline).disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    add_pages(root, NAME, &mut pages)?;
    Ok(pages)
}

fn add_pages(command: Command, name: &str, pages: &mut Vec<ManPage>) -> Result<()> {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        add_pages(inner.clone(), &format!("{name}-{}", inner.get_name()), pages)?;
    }
    let mut text = Vec::new();
    let source = format!("{NAME} {}", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.display_name(name.to_owned())).source(source).manual("safemigrate");
    page.render(&mut text).context(ErrorKind::Other, || format!("The page of {name} cannot be made"))?;
    pages.push(ManPage { file: format!("{name}.1"), text: String::from_utf8_lossy(&text).into_owned() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_page() {
        let pages = man_pages().unwrap();
        let files: Vec<&str> = pages.iter().map(|page| page.file.as_str()).collect();
        for file in ["safemigrate.1", "safemigrate-dev.1", "safemigrate-guard.1", "safemigrate-guard-mark.1"] {
            assert!(files.contains(&file), "{files:?}");
        }
        assert!(!files.iter().any(|file| file.contains("help") || file.contains("-man")), "{files:?}");
    }
}
