//! Whether a backup can stand for the database as it is now.

use crate::domain::manifest::{Kind, Manifest};
use crate::domain::schema::{Catalog, Table};

/// Older data may hold no row of what was written since. As often as backups are taken by the clock. In seconds.
const FRESH: f64 = 3600.0;

/// The database now.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// Where the server tells it.
    pub system_identifier: Option<&'a str>,
    /// Migrations that are applied.
    pub applied: &'a [String],
    pub catalog: &'a Catalog,
}

/// Whether it is young enough to be asked for at all. `age` in seconds.
pub fn is_fresh(backup: &Manifest, age: f64) -> bool {
    backup.kind == Kind::Full && backup.imported.is_none() && (0.0..FRESH).contains(&age)
}

/// Whether it is of this database, after the same migrations, with the same tables and columns.
pub fn stands_for(backup: &Manifest, present: Present<'_>) -> bool {
    let same_server = backup.database.system_identifier.as_deref() == present.system_identifier;
    let same_migrations = backup.project.as_ref().is_some_and(|project| project.migrations == present.applied);
    let sorted = |tables: &mut dyn Iterator<Item = &Table>| -> Vec<Table> {
        let mut tables: Vec<Table> = tables.cloned().collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        tables
    };
    let then = sorted(&mut backup.tables.iter().map(|data| &data.table));
    same_server && same_migrations && then == sorted(&mut present.catalog.tables.iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::digest::TableStats;
    use crate::domain::manifest::{DatabaseInfo, Imported, ProjectInfo, Reason, TableData};
    use crate::domain::names::QualifiedName;

    fn table(name: &str) -> Table {
        Table {
            name: QualifiedName::new("public", name),
            oid: 7,
            columns: Vec::new(),
            primary_key: vec!["id".into()],
            unique_keys: Vec::new(),
            partition_root: None,
            extension_condition: None,
        }
    }

    fn backup() -> Manifest {
        let data = |table| TableData { table, stats: TableStats::empty(0), segments: Vec::new() };
        Manifest {
            id: "f-1".into(),
            kind: Kind::Full,
            reason: Reason::Manual,
            created_at: String::new(),
            run: None,
            database: DatabaseInfo {
                name: "shop".into(),
                server_version: 150_000,
                system_identifier: Some("42".into()),
                encoding: "UTF8".into(),
                locale: None,
            },
            project: Some(ProjectInfo { migrations: vec!["1_init".into()], ..ProjectInfo::default() }),
            structure: None,
            tables: vec![data(table("b")), data(table("a"))],
            sequences: Vec::new(),
            materialized_views: Vec::new(),
            schemas: Vec::new(),
            foreign_keys: Vec::new(),
            imported: None,
            snapshot: None,
        }
    }

    #[test]
    fn only_a_young_full_backup_of_the_database_itself_is_asked_for() {
        assert!(is_fresh(&backup(), 0.0) && is_fresh(&backup(), 3599.0));
        // a clock that was set back tells nothing
        assert!(!is_fresh(&backup(), 3600.0) && !is_fresh(&backup(), -1.0));
        assert!(!is_fresh(&Manifest { kind: Kind::DataOnly, ..backup() }, 1.0));
        assert!(!is_fresh(&Manifest { imported: Some(Imported { file: "x".into() }), ..backup() }, 1.0));
    }

    #[test]
    fn another_server_migration_or_table_takes_a_new_one() {
        let stands = |system: &str, applied: &[&str], tables: Vec<Table>| {
            let catalog = Catalog { tables, ..Catalog::default() };
            let applied: Vec<String> = applied.iter().map(|name| (*name).to_owned()).collect();
            stands_for(&backup(), Present { system_identifier: Some(system), applied: &applied, catalog: &catalog })
        };
        let both = || vec![table("a"), table("b")];
        assert!(stands("42", &["1_init"], both()));
        assert!(!stands("43", &["1_init"], both()));
        assert!(!stands("42", &["1_init", "2_more"], both()) && !stands("42", &[], both()));
        assert!(!stands("42", &["1_init"], vec![table("a")]));
        let keyless = Table { primary_key: Vec::new(), ..table("b") };
        assert!(!stands("42", &["1_init"], vec![table("a"), keyless]));
        let nobody = Manifest { project: None, ..backup() };
        let catalog = Catalog { tables: both(), ..Catalog::default() };
        assert!(!stands_for(&nobody, Present { system_identifier: Some("42"), applied: &[], catalog: &catalog }));
    }
}
