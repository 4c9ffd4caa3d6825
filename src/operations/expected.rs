//! Which losses were said beforehand to be meant: by the settings, and by comments in migrations of the project.

use super::lint::with_room;
use crate::domain::expected::{Expectations, LossPattern, Script};
use crate::error::Result;
use crate::prisma::Project;

/// What is expected of these migrations of the project (`applied`) and of what else ran with them. All migrations are
/// read, because the older ones tell what the newer ones change.
///
/// # Errors
/// `Config` when the migrations folder cannot be read; `Other` where there is no room to read the SQL.
pub fn of_project(
    patterns: &[LossPattern],
    project: Option<&Project>,
    applied: &[String],
    default_schema: &str,
) -> Result<Expectations> {
    let mut scripts = Vec::new();
    if let Some(project) = project {
        for name in project.migrations_on_disk()? {
            // what cannot be read accepts nothing
            let Some(sql) = project.migration_sql(&name) else { continue };
            scripts.push(Script { sql, applies: applied.contains(&name) });
        }
    }
    of_scripts(patterns, &scripts, default_schema)
}

/// The same of scripts that need not be on disk, oldest first.
///
/// # Errors
/// `Other` where there is no room to read the SQL.
pub fn of_scripts(patterns: &[LossPattern], scripts: &[Script], default_schema: &str) -> Result<Expectations> {
    with_room(|| Ok(Expectations::new(patterns, scripts, default_schema)))
}
