//! `lint`, and how findings are told.

use super::target::working_folder;
use crate::cli::{Globals, LintArgs, LintFormat};
use crate::domain::lint::Finding;
use crate::error::{Error, ErrorKind, Result};
use crate::git::Git;
use crate::operations::lint::{Checked, Journals, check_files, check_since, with_room};
use crate::prisma::{Choices, find_root};
use crate::ui::{Failure, Fields, Report, Style, Ui, plural};
use serde_json::json;
use std::path::{Path, PathBuf};

pub fn run(globals: &Globals, args: &LintArgs, ui: &Ui) -> Result<(), Failure> {
    let cwd = working_folder()?;
    let checked = match &args.since {
        Some(since) => {
            let (git, within) = repository(globals, &cwd)?;
            let journals = journals(&git, globals, &cwd)?;
            with_room(|| check_since(&git, since, &within, &journals))
        }
        None => {
            let files = wanted(globals, args, &cwd)?;
            let journals = journals(&Git::at(&cwd), globals, &cwd)?;
            with_room(|| check_files(&cwd, &files, &journals))
        }
    };
    finish(FindingsReport { command: "lint", checked: checked?, format: args.format }, "", ui)
}

/// The files that are named, else the project, else what is here.
fn wanted(globals: &Globals, args: &LintArgs, cwd: &Path) -> Result<Vec<PathBuf>> {
    if !args.files.is_empty() {
        return Ok(args.files.clone());
    }
    let choices = Choices { project: globals.project.clone(), ..Choices::default() };
    Ok(vec![find_root(&choices, cwd)?])
}

/// The repository of `--project`, else of where we are, and the project's folder in it.
pub fn repository(globals: &Globals, cwd: &Path) -> Result<(Git, String)> {
    let Some(project) = &globals.project else { return Ok((Git::at(cwd), String::new())) };
    let folder = cwd.join(project);
    let git = Git::at(&folder);
    let within = git.root()?.and_then(|root| {
        let (root, folder) = (root.canonicalize().ok()?, folder.canonicalize().ok()?);
        Some(folder.strip_prefix(root).ok()?.to_str()?.to_owned())
    });
    Ok((git, within.unwrap_or_default()))
}

/// Where migrations may have run: this worktree, and the first one.
pub fn journals(git: &Git, globals: &Globals, cwd: &Path) -> Result<Journals> {
    let root = git.root().ok().flatten().unwrap_or_else(|| cwd.to_owned());
    let common = git.common_folder().ok().flatten().and_then(|common| common.canonicalize().ok());
    let main = common.filter(|common| common.ends_with(".git")).and_then(|common| Some(common.parent()?.to_owned()));
    let mut roots = vec![root];
    roots.extend(main.filter(|main| roots[0].canonicalize().ok().as_ref() != Some(main)));
    Ok(Journals::new(roots, globals.store.as_ref().map(|store| cwd.join(store))))
}

/// Findings that are errors end the command with 1. `next`: what to say besides.
pub fn finish(report: FindingsReport, next: &str, ui: &Ui) -> Result<(), Failure> {
    report.checked.notes.iter().for_each(|note| ui.warn(note));
    let errors = report.checked.errors();
    if errors == 0 {
        ui.result(&report);
        return Ok(());
    }
    let what = if errors == 1 {
        "finding that stands in the way".to_owned()
    } else {
        "findings that stand in the way".to_owned()
    };
    let mut error = Error::new(ErrorKind::Findings, format!("{errors} {what}. Nothing was changed"));
    if !next.is_empty() {
        error = error.hint(next);
    }
    Err(Failure::with(error, report))
}

/// What was found, for people, for programs and for GitHub.
pub struct FindingsReport {
    pub command: &'static str,
    pub checked: Checked,
    pub format: LintFormat,
}

impl Report for FindingsReport {
    fn command(&self) -> &'static str {
        self.command
    }

    fn ok(&self) -> bool {
        self.checked.errors() == 0
    }

    fn json(&self) -> Fields {
        let findings = self.checked.findings.iter().map(|f| {
            json!({
                "file": f.file, "line": f.line, "kind": f.kind.word(), "severity": f.severity.name(),
                "message": f.message, "remedy": f.remedy,
            })
        });
        Fields::from_iter([
            ("findings".to_owned(), findings.collect()),
            ("migrations".to_owned(), json!(self.checked.migrations)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let findings = &self.checked.findings;
        if self.format == LintFormat::Github {
            return findings.iter().map(annotation).collect::<Vec<_>>().join("\n");
        }
        let mut lines: Vec<String> = findings.iter().map(|finding| told(finding, style)).collect();
        if self.ok() && (self.command == "lint" || !findings.is_empty()) {
            let read = plural(self.checked.migrations as u64, "new migration");
            let read = if self.command == "lint" { plural(self.checked.migrations as u64, "migration") } else { read };
            lines.push(format!("{} {read} read, nothing that would destroy data", style.green("✔")));
        }
        lines.join("\n")
    }
}

fn told(finding: &Finding, style: &Style) -> String {
    let severity = if finding.is_error() { style.red("refused") } else { style.yellow("warning") };
    let place = style.bold(format!("{}:{}", finding.file, finding.line));
    format!("{place}  {severity} {}\n  {}\n  → {}", finding.kind.word(), finding.message, finding.remedy)
}

/// `::error file=…,line=…,title=…::…`, escaped as GitHub wants it.
fn annotation(finding: &Finding) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    format!(
        "::{} file={},line={},title={}::{}",
        finding.severity.name(),
        property(&finding.file),
        finding.line,
        property(&format!("safemigrate {}", finding.kind.word())),
        data(&format!("{}\n{}", finding.message, finding.remedy))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lint::{Known, read};

    #[test]
    fn annotations_are_escaped() {
        let finding = read("a,b:c%.sql", "DROP TABLE \"x\";", &mut Known::default()).remove(0);
        let text = annotation(&finding);
        assert!(
            text.starts_with(
                "::error file=a%2Cb%3Ac%25.sql,line=1,title=safemigrate dropped-table::It drops the table x"
            ),
            "{text}"
        );
        assert!(text.contains("%0A") && !text.contains('\n'), "{text}");
    }
}
