//! `--rejects save`: rows that do not fit as CSV files in the store, each with its reason.

use super::attempt::Stages;
use crate::domain::reinsert::Report;
use crate::error::{Context, ErrorKind, Result};
use crate::fault;
use crate::operations::ids;
use crate::postgres::PgConnection;
use crate::postgres::copy::copy_out;
use crate::store::{Store, create_private_file, make_private_folder};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The files of one re-insert. Removed again unless `keep` is called: they shall not tell of rows that came back after all.
pub struct Saved(Option<PathBuf>);

impl Saved {
    pub fn nothing() -> Self {
        Self(None)
    }

    pub fn folder(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// The rows that fit are committed: the files stay.
    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Writes and syncs a file for each table with rows that do not fit.
///
/// # Errors
/// `Store` when the disk refuses, `Server`.
pub async fn save(
    connection: &mut PgConnection,
    store: &Store,
    backup: &str,
    stages: &Stages<'_>,
    report: &Report,
) -> Result<Saved> {
    store.prepare()?;
    let folder = store.rejects_dir().join(format!("{backup}-{}", ids::now().replace(':', "")));
    let wrong = || format!("The rows that do not fit cannot be saved in {}. Nothing was changed", folder.display());
    fault::writing("rejects.make").and_then(|()| make_private_folder(&folder)).context(ErrorKind::Store, wrong)?;
    let saved = Saved(Some(folder.clone()));
    let mut listed = String::new();
    for (stage, table) in stages.iter().zip(&report.tables).filter(|(_, t)| t.rejected > 0) {
        let name = file_name(&table.from.to_string());
        let mut file = create_private_file(&folder.join(&name)).context(ErrorKind::Store, wrong)?;
        copy_out(connection, &stage.misfits_csv(), |piece| file.write_all(piece).context(ErrorKind::Store, wrong))
            .await?;
        fault::writing("rejects.fsync").and_then(|()| file.sync_all()).context(ErrorKind::Store, wrong)?;
        let what = if table.rejected == 1 { "1 row".to_owned() } else { format!("{} rows", table.rejected) };
        listed += &format!("- {name}: {what} of {}, not put into {}\n", table.from, table.table);
    }
    let mut readme = create_private_file(&folder.join("README.md")).context(ErrorKind::Store, wrong)?;
    readme.write_all(readme_text(backup, &listed).as_bytes()).context(ErrorKind::Store, wrong)?;
    readme.sync_all().context(ErrorKind::Store, wrong)?;
    fault::at("rejects.saved");
    File::open(&folder).and_then(|f| f.sync_all()).context(ErrorKind::Store, wrong)?;
    Ok(saved)
}

fn readme_text(backup: &str, listed: &str) -> String {
    format!(
        "# Rows of backup {backup} that did not fit\n\n{listed}\n\
         Each file is CSV with a header: the columns as the backup holds them, and `safemigrate_reason`.\n\
         They are still in the backup, too. Two ways to put them back:\n\n\
         - Run `safemigrate reinsert {backup}` again with `--map`, `--map-value`, `--fill` or `--cast` for what the reasons name:\n\
         \x20 rows that came back already are left as they are.\n\
         - Correct a file by hand, remove the last column, and load it:\n\
         \x20 `psql \"$DATABASE_URL\" -c \"\\copy \\\"TABLE\\\" (COLUMNS) FROM 'FILE.csv' WITH (FORMAT csv, HEADER)\"`\n"
    )
}

/// A table's name as a file's name on every disk.
fn file_name(table: &str) -> String {
    let safe: String = table.chars().map(|c| if c.is_alphanumeric() || "._- ".contains(c) { c } else { '_' }).collect();
    format!("{}.csv", safe.trim_start_matches('.'))
}
