//! What must not stand in the way of the rows: put aside before the load and brought back as it was, in the same transaction.

use super::transaction::{relation, run};
use crate::domain::names::{QualifiedName, quote_ident, quote_literal};
use crate::domain::schema::ForeignKey;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::session::doing;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

/// Everything that was put aside, and how it comes back.
#[derive(Debug, Default)]
pub struct Aside {
    foreign_keys: Vec<ForeignKey>,
    /// Statements that give triggers, rules and row security their states back.
    restore: Vec<String>,
    opened: Vec<QualifiedName>,
}

async fn ask(connection: &mut PgConnection, sql: &str, tables: &[QualifiedName]) -> Result<Vec<PgRow>> {
    let schemas: Vec<&str> = tables.iter().map(|t| t.schema.as_str()).collect();
    let names: Vec<&str> = tables.iter().map(|t| t.name.as_str()).collect();
    sqlx::query(sql).bind(schemas).bind(names).fetch_all(connection).await.map_err(doing("looking at the tables"))
}

fn text(row: &PgRow, column: &str) -> Result<String> {
    row.try_get(column).map_err(doing("looking at the tables"))
}

/// Foreign keys whose own triggers somebody has switched off: they check nothing, and are left as they are.
///
/// # Errors
/// `Server`.
pub async fn switched_off(connection: &mut PgConnection) -> Result<Vec<(QualifiedName, String)>> {
    let sql = "SELECT n.nspname::text AS schema, c.relname::text AS table, k.conname::text AS name
               FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE k.contype = 'f' AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled <> 'O')";
    let rows = sqlx::query(sql).fetch_all(connection).await.map_err(doing("looking at the foreign keys"))?;
    rows.iter()
        .map(|row| Ok((QualifiedName::new(text(row, "schema")?, text(row, "table")?), text(row, "name")?)))
        .collect()
}

impl Aside {
    /// Lifts row-level security that binds even the owner, so that all rows are seen and written.
    ///
    /// # Errors
    /// `Server` when policies bind this user and it may not lift them.
    pub async fn lift_row_security(&mut self, connection: &mut PgConnection, tables: &[QualifiedName]) -> Result<()> {
        let sql = "SELECT format('%I.%I', n.nspname, c.relname) AS name, pg_has_role(c.relowner, 'USAGE') AND c.relforcerowsecurity AS can_lift
                   FROM unnest($1::text[], $2::text[]) AS w(schema, name)
                   JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                   WHERE row_security_active(c.oid)";
        for row in ask(connection, sql, tables).await? {
            let name = text(&row, "name")?;
            if !row.try_get::<bool, _>("can_lift").map_err(doing("looking at the tables"))? {
                return Err(Error::new(
                    ErrorKind::Server,
                    format!("Row-level security hides rows of {name} from this user: part of them would be wrong. Nothing was changed"),
                )
                .hint("Re-insert as the owner of the table, or as a role with BYPASSRLS."));
            }
            run(connection, "lifting row-level security", &format!("ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"))
                .await?;
            self.restore.push(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"));
        }
        Ok(())
    }

    /// Makes a table ready for rows: user triggers and rules rest, on its partitions too.
    ///
    /// # Errors
    /// `Server` when this user does not own the table.
    pub async fn open(&mut self, connection: &mut PgConnection, table: &QualifiedName) -> Result<()> {
        if self.opened.contains(table) {
            return Ok(());
        }
        self.opened.push(table.clone());
        let tree = "WITH RECURSIVE tree AS (
                        SELECT c.oid, 0 AS level FROM unnest($1::text[], $2::text[]) AS w(schema, name)
                        JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                        UNION ALL SELECT k.oid, tree.level + 1 FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
                        JOIN pg_class k ON k.oid = i.inhrelid AND k.relispartition)
                    SELECT format('%I.%I', n.nspname, c.relname) AS relation, x.kind, x.name, x.state, pg_has_role(c.relowner, 'USAGE') AS owner
                    FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
                    LEFT JOIN LATERAL (
                        SELECT 'TRIGGER' AS kind, t.tgname::text AS name, t.tgenabled::text AS state FROM pg_trigger t
                        WHERE t.tgrelid = tree.oid AND NOT t.tgisinternal
                        UNION ALL SELECT 'RULE', r.rulename::text, r.ev_enabled::text FROM pg_rewrite r
                        WHERE r.ev_class = tree.oid AND r.rulename <> '_RETURN') AS x ON true
                    ORDER BY tree.level, relation, x.kind, x.name";
        let (mut rest, mut restore) = (Vec::new(), Vec::new());
        for row in ask(connection, tree, std::slice::from_ref(table)).await? {
            let relation = text(&row, "relation")?;
            if !row.try_get::<bool, _>("owner").map_err(doing("looking at the tables"))? {
                return Err(Error::new(ErrorKind::Server, format!("This user does not own {relation}. Nothing was changed"))
                    .hint("Re-insert as the owner of the tables: only the owner can keep triggers quiet. Give --url with that user."));
            }
            let Some(kind) = row.try_get::<Option<String>, _>("kind").map_err(doing("looking at the tables"))? else {
                continue;
            };
            let name = quote_ident(&text(&row, "name")?);
            let again = match text(&row, "state")?.as_str() {
                "D" => "DISABLE",
                "R" => "ENABLE REPLICA",
                "A" => "ENABLE ALWAYS",
                _ => "ENABLE",
            };
            rest.push(format!("ALTER TABLE ONLY {relation} DISABLE {kind} {name}"));
            restore.push((again != "DISABLE", format!("ALTER TABLE ONLY {relation} {again} {kind} {name}")));
        }
        // where all of them rest already, there is nothing to do
        if restore.iter().any(|(was_on, _)| *was_on) {
            run(connection, "quieting the triggers", &rest.join(";")).await?;
            self.restore.extend(restore.into_iter().map(|(_, sql)| sql));
        }
        Ok(())
    }

    /// Drops a foreign key until `bring_back`.
    ///
    /// # Errors
    /// `Server`.
    pub async fn drop_foreign_key(&mut self, connection: &mut PgConnection, key: &ForeignKey) -> Result<()> {
        if self.foreign_keys.iter().any(|k| k.table == key.table && k.name == key.name) {
            return Ok(());
        }
        let sql = format!("ALTER TABLE {} DROP CONSTRAINT {}", key.table.sql(), quote_ident(&key.name));
        run(connection, "putting a foreign key aside", &sql).await?;
        self.foreign_keys.push(key.clone());
        Ok(())
    }

    pub fn is_dropped(&self, key: &ForeignKey) -> bool {
        self.foreign_keys.iter().any(|k| k.table == key.table && k.name == key.name)
    }

    /// Adds the foreign keys again: PostgreSQL checks all rows of each at once.
    ///
    /// # Errors
    /// `Server`; with SQLSTATE 23503 when a row refers to nothing.
    pub async fn bring_back_foreign_keys(&mut self, connection: &mut PgConnection) -> Result<()> {
        for key in std::mem::take(&mut self.foreign_keys) {
            let (table, name) = (key.table.sql(), quote_ident(&key.name));
            run(
                connection,
                "checking the foreign keys",
                &format!("ALTER TABLE {table} ADD CONSTRAINT {name} {}", key.definition),
            )
            .await?;
            if let Some(comment) = &key.comment {
                let sql = format!("COMMENT ON CONSTRAINT {name} ON {table} IS {}", quote_literal(comment));
                run(connection, "bringing a comment back", &sql).await?;
            }
        }
        Ok(())
    }

    /// Gives triggers, rules and row security their states back.
    ///
    /// # Errors
    /// `Server`.
    pub async fn bring_back(&mut self, connection: &mut PgConnection) -> Result<()> {
        self.opened.clear();
        let restore = std::mem::take(&mut self.restore);
        if restore.is_empty() {
            Ok(())
        } else {
            run(connection, "bringing the triggers back", &restore.join(";")).await.map(|_| ())
        }
    }
}

/// Empties tables, and no others: what refers to them must be aside.
///
/// # Errors
/// `Server`.
pub async fn truncate(connection: &mut PgConnection, tables: &[(QualifiedName, bool)]) -> Result<()> {
    let names: Vec<String> = tables.iter().map(|(name, partitioned)| relation(name, *partitioned)).collect();
    if names.is_empty() {
        Ok(())
    } else {
        run(connection, "emptying the tables", &format!("TRUNCATE {}", names.join(", "))).await.map(|_| ())
    }
}
