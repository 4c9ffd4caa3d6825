//! `completions SHELL`, and the hidden `man DIR` that `scripts/man` calls.

use crate::cli::{CompletionsArgs, ManArgs, completions, man_pages};
use crate::error::{Context, ErrorKind, Result};
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;
use std::fs;

pub fn shell(args: &CompletionsArgs, ui: &Ui) -> Result<(), Failure> {
    ui.result(&Script { shell: args.shell.to_string(), text: completions(args.shell) });
    Ok(())
}

struct Script {
    shell: String,
    text: String,
}

impl Report for Script {
    fn command(&self) -> &'static str {
        "completions"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([("shell".to_owned(), json!(self.shell)), ("script".to_owned(), json!(self.text))])
    }

    fn text(&self, _style: &Style) -> String {
        self.text.clone()
    }
}

pub fn man(args: &ManArgs, ui: &Ui) -> Result<(), Failure> {
    let folder = &args.folder;
    let unwritable = || format!("The pages cannot be written into {}", folder.display());
    fs::create_dir_all(folder).context(ErrorKind::Other, unwritable)?;
    let mut files = Vec::new();
    for page in man_pages()? {
        fs::write(folder.join(&page.file), page.text).context(ErrorKind::Other, unwritable)?;
        files.push(page.file);
    }
    ui.result(&Pages { files });
    Ok(())
}

struct Pages {
    files: Vec<String>,
}

impl Report for Pages {
    fn command(&self) -> &'static str {
        "man"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([("pages".to_owned(), json!(self.files))])
    }

    fn text(&self, _style: &Style) -> String {
        self.files.join("\n")
    }
}
