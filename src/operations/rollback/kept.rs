//! What stays in a database that is restored in place, and which of the backup's statements are then not run.

use crate::domain::names::quote_ident;
use crate::postgres::structure::{Entry, one_line};
use std::collections::BTreeSet;

/// What is there already when the backup's statements run.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub schemas: BTreeSet<String>,
    /// Of them those whose rights this role may not change.
    pub foreign_schemas: BTreeSet<String>,
    pub extensions: BTreeSet<String>,
    pub foreign_extensions: BTreeSet<String>,
    /// Kind and name of things outside of schemas.
    pub globals: BTreeSet<(String, String)>,
    /// Roles whose default privileges this role may not change.
    pub default_privileges_of: BTreeSet<String>,
    /// Roles that own something here or in the backup and that this role is no member of.
    pub foreign_roles: BTreeSet<String>,
}

impl Kept {
    /// Whether the entry's statements are to be run.
    pub fn lets_run(&self, entry: &Entry) -> bool {
        match entry.kind.as_str() {
            "SCHEMA" => !self.schemas.contains(&entry.schema_made()),
            "EXTENSION" => !self.extensions.contains(&entry.name),
            "DEFAULT ACL" => !entry.default_privileges_of().is_some_and(|o| self.default_privileges_of.contains(&o)),
            "ACL" | "COMMENT" | "SECURITY LABEL" => {
                !self.is_about_a_foreign_thing(&entry.name) && !self.is_of_a_foreign_role(entry)
            }
            kind => !self.globals.iter().any(|(of, name)| of == kind && entry.is_named(name)),
        }
    }

    /// Whether what the entry speaks of is not this role's to change, and stays as it is.
    pub fn stays(&self, entry: &Entry) -> bool {
        let foreign_extension = match entry.kind.as_str() {
            "EXTENSION" => self.foreign_extensions.contains(&entry.name),
            "COMMENT" | "SECURITY LABEL" => {
                entry.name.starts_with("EXTENSION ") && self.is_about_a_foreign_thing(&entry.name)
            }
            _ => false,
        };
        foreign_extension || self.is_of_a_foreign_role(entry)
    }

    fn is_of_a_foreign_role(&self, entry: &Entry) -> bool {
        let owner = entry.default_privileges_of().or_else(|| entry.owner.clone());
        owner.is_some_and(|owner| self.foreign_roles.contains(&owner))
    }

    /// `SCHEMA auth`, `EXTENSION "uuid-ossp"`, `FOREIGN SERVER files` …
    fn is_about_a_foreign_thing(&self, name: &str) -> bool {
        let speaks_of = |word: &str, thing: &str| {
            name.strip_prefix(word)
                .and_then(|n| n.strip_prefix(' '))
                .is_some_and(|n| n == one_line(thing) || n == one_line(&quote_ident(thing)))
        };
        self.foreign_schemas.iter().any(|s| speaks_of("SCHEMA", s))
            || self.foreign_extensions.iter().any(|e| speaks_of("EXTENSION", e))
            || self.globals.iter().any(|(kind, thing)| {
                let word = match kind.as_str() {
                    "PROCEDURAL LANGUAGE" => "LANGUAGE",
                    kind => kind,
                };
                speaks_of(word, thing) || speaks_of(&format!("FOREIGN {word}"), thing)
            })
    }
}

/// Where the backup has an extension: `CREATE EXTENSION … WITH SCHEMA "my schema";`.
pub(super) fn extension_schema(entry: &Entry) -> Option<String> {
    let (_, schema) = entry.sql.lines().find(|l| l.starts_with("CREATE EXTENSION "))?.rsplit_once(" WITH SCHEMA ")?;
    let schema = schema.trim_end().trim_end_matches(';');
    let inside = schema.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
    Some(inside.map_or_else(|| schema.to_owned(), |s| s.replace("\"\"", "\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, name: &str) -> Entry {
        Entry { kind: kind.into(), schema: None, name: name.into(), owner: Some("jo".into()), sql: String::new() }
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        let kept = Kept {
            schemas: set(&["public", "auth"]),
            foreign_schemas: set(&["auth"]),
            extensions: set(&["uuid-ossp"]),
            foreign_extensions: set(&["uuid-ossp"]),
            globals: [("SERVER".to_owned(), "files".to_owned())].into(),
            default_privileges_of: set(&["boss"]),
            foreign_roles: set(&["boss"]),
        };
        for (kind, name, runs) in [
            ("SCHEMA", "auth", false),
            ("SCHEMA", "app", true),
            ("EXTENSION", "uuid-ossp", false),
            ("COMMENT", "EXTENSION \"uuid-ossp\"", false),
            ("ACL", "SCHEMA public", true),
            ("ACL", "SCHEMA auth", false),
            ("SERVER", "files", false),
            ("ACL", "FOREIGN SERVER files", false),
            ("ACL", "TABLE files", true),
            ("TABLE", "auth", true),
            ("DEFAULT ACL", "DEFAULT PRIVILEGES FOR TABLES", true),
        ] {
            assert_eq!(kept.lets_run(&entry(kind, name)), runs, "{kind} {name}");
        }
        let sql = "ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT SELECT ON TABLES TO jo;\n".into();
        let of_boss = Entry { sql, ..entry("DEFAULT ACL", "x") };
        assert!(!kept.lets_run(&of_boss) && kept.stays(&of_boss));
        let on_the_server = Entry { owner: Some("boss".into()), ..entry("ACL", "FUNCTION pg_ls_logdir()") };
        assert!(!kept.lets_run(&on_the_server) && kept.stays(&on_the_server));
        let made_by_boss = Entry { owner: Some("boss".into()), ..entry("TABLE", "t") };
        assert!(kept.lets_run(&made_by_boss), "it would be missing");
        assert!(kept.stays(&entry("EXTENSION", "uuid-ossp")) && !kept.stays(&entry("ACL", "SCHEMA public")));
    }

    #[test]
    fn reads_where_an_extension_belongs() {
        let mut made = entry("EXTENSION", "citext");
        made.sql = "\nCREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA \"my \"\"s\";\n".into();
        assert_eq!(extension_schema(&made).as_deref(), Some("my \"s"));
        made.sql = "CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;\n".into();
        assert_eq!(extension_schema(&made).as_deref(), Some("pg_catalog"));
    }
}
