//! What became of the rows: how many do not fit and why, which values were rounded, and the rows themselves as CSV.

use super::convert::{Casts, is_plain_number, may_round};
use super::stage::Stage;
use super::transaction::count;
use super::types::TypeInfo;
use crate::domain::names::{quote_ident, quote_literal};
use crate::domain::reinsert::Source;
use crate::domain::reinsert::report::{ChangedColumn, REASONS_SHOWN, Reason};
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// A row's number, why it does not fit, and the detail.
pub type Misfit = (i64, Option<String>, Option<String>);

impl Stage<'_> {
    /// Counts the values that a cast rounded, among the rows that go in and those that get new values.
    ///
    /// # Errors
    /// `Server`.
    pub async fn count_rounded(
        &self,
        connection: &mut PgConnection,
        types: &HashMap<String, TypeInfo>,
    ) -> Result<Vec<ChangedColumn>> {
        let mut changed = Vec::new();
        let mut casts = Casts::default();
        // whether all of the table's values come from the backup
        let mut tables = vec![(self.rows(), true)];
        if self.has_changes(connection).await? {
            tables.push((self.changes(), false));
        }
        for column in &self.plan.columns {
            let Source::Converted { from, from_type, values, null_fill } = &column.source else { continue };
            let (Some(old), Some(new), Some(text)) =
                (types.get(from_type), types.get(&column.type_name), self.text_of(from))
            else {
                continue;
            };
            if !may_round(old, new, from_type, &column.type_name)
                || !casts.exists(connection, &new.plain, &old.plain).await?
            {
                continue;
            }
            let name = format!("s.{}", quote_ident(&column.column));
            let rounded = is_rounded(&name, &text, old, new);
            let mapped: String =
                values.iter().map(|(from, _)| format!(" AND {text} <> {}", quote_literal(from))).collect();
            let filled = if null_fill.is_some() { format!(" AND {text} IS NOT NULL") } else { String::new() };
            let mut values = 0;
            for (table, all_written) in &tables {
                // what is there and stays may differ for other reasons
                let cast = format!("(({text})::{})::{}", old.plain, column.type_name);
                let written = if *all_written {
                    String::new()
                } else {
                    format!(" AND NOT ({name})::text IS DISTINCT FROM ({cast})::text")
                };
                let ask = format!(
                    "SELECT count(*) FROM {} r JOIN {table} s ON s.{} = r.n WHERE {rounded}{written}{mapped}{filled}",
                    self.text(),
                    self.n,
                );
                values += count(connection, "counting rounded values", &ask).await?;
            }
            if values > 0 {
                changed.push(ChangedColumn { column: column.column.clone(), values });
            }
        }
        Ok(changed)
    }

    /// Whether rows that are there were looked at for new values.
    async fn has_changes(&self, connection: &mut PgConnection) -> Result<bool> {
        let ask = format!("SELECT count(to_regclass({}))", quote_literal(&self.changes()));
        Ok(count(connection, "counting rounded values", &ask).await? > 0)
    }

    /// How many rows do not fit, and the commonest reasons.
    ///
    /// # Errors
    /// `Server`.
    pub async fn reasons(&self, connection: &mut PgConnection) -> Result<(u64, Vec<Reason>)> {
        let ask = format!("SELECT count(*) FROM {}", self.misfits());
        let rejected = count(connection, "counting the rows that do not fit", &ask).await?;
        let ask = format!(
            "SELECT message, (array_agg(detail ORDER BY n))[1] AS detail, count(*) AS rows FROM {}
             GROUP BY message ORDER BY min(n) LIMIT {REASONS_SHOWN}",
            self.misfits()
        );
        let found = sqlx::query(&ask).fetch_all(connection).await.map_err(doing("reading why rows do not fit"))?;
        let mut reasons = Vec::new();
        for row in &found {
            let get =
                |column: &str| row.try_get::<Option<String>, _>(column).map_err(doing("reading why rows do not fit"));
            let message = get("message")?
                .unwrap_or_default()
                .replace(&format!("safemigrate_rows_{}", self.number), &self.plan.table.name);
            let detail = get("detail")?.filter(|d| !d.is_empty()).map(|d| format!(": {d}")).unwrap_or_default();
            let rows: i64 = row.try_get("rows").map_err(doing("reading why rows do not fit"))?;
            reasons.push(Reason { reason: format!("{message}{detail}"), rows: u64::try_from(rows).unwrap_or(0) });
        }
        Ok((rejected, reasons))
    }

    /// The misfits as they stand, to survive going back to a savepoint: number, message, detail.
    ///
    /// # Errors
    /// `Server`.
    pub async fn read_misfits(&self, connection: &mut PgConnection) -> Result<Vec<Misfit>> {
        let ask = format!("SELECT n, message, detail FROM {}", self.misfits());
        sqlx::query_as(&ask).fetch_all(connection).await.map_err(doing("reading why rows do not fit"))
    }

    /// Notes misfits that are not noted yet.
    ///
    /// # Errors
    /// `Server`.
    pub async fn write_misfits(&self, connection: &mut PgConnection, misfits: &[Misfit]) -> Result<()> {
        let known = self.misfits();
        let sql = format!(
            "INSERT INTO {known} SELECT w.n, w.message, w.detail FROM unnest($1::bigint[], $2::text[], $3::text[]) AS w(n, message, detail)
             WHERE NOT EXISTS (SELECT FROM {known} m WHERE m.n = w.n)"
        );
        for part in misfits.chunks(10_000) {
            let numbers: Vec<i64> = part.iter().map(|m| m.0).collect();
            let messages: Vec<Option<String>> = part.iter().map(|m| m.1.clone()).collect();
            let details: Vec<Option<String>> = part.iter().map(|m| m.2.clone()).collect();
            let insert = sqlx::query(&sql).bind(numbers).bind(messages).bind(details);
            insert.execute(&mut *connection).await.map_err(doing("noting rows that do not fit"))?;
        }
        Ok(())
    }

    /// The rows that do not fit as CSV: the backup's columns and the reason.
    pub fn misfits_csv(&self) -> String {
        let columns: String =
            self.old.iter().enumerate().map(|(n, (name, _))| format!("r.c{n} AS {}, ", quote_ident(name))).collect();
        format!(
            "COPY (SELECT {columns}concat_ws(': ', replace(m.message, 'safemigrate_rows_{}', {}), nullif(m.detail, '')) AS \"safemigrate_reason\"
             FROM {} m JOIN {} r ON r.n = m.n ORDER BY m.n) TO STDOUT WITH (FORMAT csv, HEADER)",
            self.number,
            quote_literal(&self.plan.table.name),
            self.misfits(),
            self.text()
        )
    }
}

/// The condition that a value is not what its text in the backup was. Numbers are compared as they are written: one that
/// was rounded up to its type's end could not be cast back.
fn is_rounded(value: &str, text: &str, old: &TypeInfo, new: &TypeInfo) -> String {
    if is_plain_number(&old.base) && is_plain_number(&new.base) {
        format!(
            "CASE WHEN ({value})::text ~ '^-?[0-9]' AND ({text}) ~ '^-?[0-9]' THEN (({value})::text)::numeric <> ({text})::numeric
                  ELSE ({value})::text <> ({text}) END"
        )
    } else {
        format!("({value})::{0} IS DISTINCT FROM ({text})::{0}", old.plain)
    }
}
