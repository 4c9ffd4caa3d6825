//! Rows that are already there, and rows whose unique values are taken.

use super::fit::{THESE_ROWS, Work, fit};
use super::stage::Stage;
use super::transaction::{count, relation, run};
use crate::domain::names::{quote_ident, quote_list, quote_literal};
use crate::domain::reinsert::report::ChangedColumn;
use crate::domain::reinsert::{ColumnPlan, OnConflict, RowIdentity};
use crate::error::Result;
use sqlx::postgres::PgConnection;

/// How the rows of a table met those that are there.
#[derive(Debug, Default, Clone)]
pub struct Met {
    pub already_present: u64,
    /// Rows that are there and get new values.
    pub to_change: u64,
    /// Values that stay as they are and differ, of the columns that nobody else can compare.
    pub values_kept: Vec<ChangedColumn>,
}

impl Stage<'_> {
    pub fn live(&self) -> String {
        relation(&self.plan.table, self.plan.partitioned)
    }

    /// Whether there is no row in the table of today.
    ///
    /// # Errors
    /// `Server`.
    pub async fn is_empty(&self, connection: &mut PgConnection) -> Result<bool> {
        let ask = format!("SELECT count(*) FROM (SELECT FROM {} LIMIT 1) AS any_row", self.live());
        Ok(count(connection, "looking into a table", &ask).await? == 0)
    }

    /// Takes the rows that are already there out of the rows to insert. `protected`: columns that are never overwritten.
    ///
    /// # Errors
    /// `Server`.
    pub async fn meet(
        &self,
        connection: &mut PgConnection,
        on_conflict: OnConflict,
        protected: &[String],
    ) -> Result<Met> {
        let doing = "comparing with the rows that are there";
        let RowIdentity::Key(key) = &self.plan.identity else {
            let already_present = run(connection, doing, &self.delete_equal_rows()).await?;
            return Ok(Met { already_present, ..Met::default() });
        };
        let same: Vec<String> = key.iter().map(|k| format!("s.{0} = t.{0}", quote_ident(k))).collect();
        let same = same.join(" AND ");
        let writable: Vec<&ColumnPlan> = match on_conflict {
            OnConflict::Fill | OnConflict::Update => self.writable(key, protected).collect(),
            OnConflict::Skip | OnConflict::Replace => Vec::new(),
        };
        let values_kept = self.count_kept(connection, &same, &writable, on_conflict).await?;
        let mut to_change = 0;
        if matches!(on_conflict, OnConflict::Fill | OnConflict::Update) {
            to_change = run(connection, doing, &self.collect_changes(&same, &writable, on_conflict)).await?;
        }
        let delete = format!("DELETE FROM {} s WHERE EXISTS (SELECT FROM {} t WHERE {same})", self.rows(), self.live());
        let met = run(connection, doing, &delete).await?;
        Ok(Met { already_present: met.saturating_sub(to_change), to_change, values_kept })
    }

    /// Counts, per column whose values were made others on the way, the live values that will not be the backup's.
    async fn count_kept(
        &self,
        connection: &mut PgConnection,
        same: &str,
        writable: &[&ColumnPlan],
        on_conflict: OnConflict,
    ) -> Result<Vec<ChangedColumn>> {
        let mut kept = Vec::new();
        for column in self.plan.columns.iter().filter(|c| c.is_from_backup() && c.is_remade()) {
            let ask = format!(
                "SELECT count(*) FROM {} s JOIN {} t ON {same} WHERE s.{name} IS NOT NULL AND s.{name}::text IS DISTINCT FROM ({})::text",
                self.rows(),
                self.live(),
                becomes(column, writable, on_conflict),
                name = quote_ident(&column.column),
            );
            let values = count(connection, "comparing with the rows that are there", &ask).await?;
            if values > 0 {
                kept.push(ChangedColumn { column: column.column.clone(), values });
            }
        }
        Ok(kept)
    }

    /// Exactly as many copies of a row as are missing stay.
    fn delete_equal_rows(&self) -> String {
        let common: Vec<&str> =
            self.plan.columns.iter().filter(|c| c.is_from_backup()).map(|c| c.column.as_str()).collect();
        let print = |alias: &str| {
            let values: Vec<String> = common.iter().map(|c| format!("{alias}.{}::text", quote_ident(c))).collect();
            format!("sha256(convert_to(ROW({})::text, 'UTF8'))", values.join(", "))
        };
        format!(
            "DELETE FROM {rows} d USING (
                 SELECT s.{n} AS n, row_number() OVER (PARTITION BY {print_s} ORDER BY s.{n}) AS copy, {print_s} AS print FROM {rows} s) AS backup,
                 (SELECT {print_t} AS print, count(*) AS copies FROM {live} t GROUP BY 1) AS present
             WHERE d.{n} = backup.n AND backup.print = present.print AND backup.copy <= present.copies",
            rows = self.rows(),
            n = self.n,
            live = self.live(),
            print_s = print("s"),
            print_t = print("t"),
        )
    }

    /// Columns that `fill` and `update` may write: from the backup, no keys, nothing that others refer to.
    fn writable<'a>(&'a self, key: &'a [String], protected: &'a [String]) -> impl Iterator<Item = &'a ColumnPlan> {
        self.plan
            .columns
            .iter()
            .filter(move |c| c.is_from_backup() && !key.contains(&c.column) && !protected.contains(&c.column))
    }

    /// The rows as they shall be where that differs from what is there; all columns, so that keys can be looked at.
    fn collect_changes(&self, same: &str, writable: &[&ColumnPlan], on_conflict: OnConflict) -> String {
        let value = |column: &ColumnPlan| becomes(column, writable, on_conflict);
        let select: String =
            self.plan.columns.iter().map(|c| format!(", {} AS {}", value(c), quote_ident(&c.column))).collect();
        let differs: Vec<String> = writable
            .iter()
            .map(|c| format!("({})::text IS DISTINCT FROM t.{}::text", value(c), quote_ident(&c.column)))
            .collect();
        let differs = if differs.is_empty() { "false".to_owned() } else { differs.join(" OR ") };
        format!(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT s.{}{select} FROM {} s JOIN {} t ON {same} WHERE {differs}",
            self.changes(),
            self.n,
            self.rows(),
            self.live()
        )
    }

    /// Notes the rows whose unique values are taken: by a live row, or by an earlier row of the backup.
    ///
    /// # Errors
    /// `Server`.
    pub async fn note_collisions(&self, connection: &mut PgConnection, live_is_empty: bool) -> Result<u64> {
        let mut noted = 0;
        for key in &self.plan.keys {
            if !live_is_empty && RowIdentity::Key(key.clone()) != self.plan.identity {
                let same: Vec<String> = key.iter().map(|k| format!("s.{0} = t.{0}", quote_ident(k))).collect();
                let taken = format!("EXISTS (SELECT FROM {} t WHERE {})", self.live(), same.join(" AND "));
                noted += self.note(connection, &taken, key, "already exists in another row").await?;
            }
            if self.plan.keys_to_check.contains(key) {
                let columns = quote_list(key.iter().map(String::as_str));
                let not_null: Vec<String> = key.iter().map(|k| format!("{} IS NOT NULL", quote_ident(k))).collect();
                let again = format!(
                    "s.{n} IN (SELECT n FROM (SELECT {n} AS n, row_number() OVER (PARTITION BY {columns} ORDER BY {n}) AS copy FROM {} WHERE {}) AS k WHERE copy > 1)",
                    self.rows(),
                    not_null.join(" AND "),
                    n = self.n
                );
                noted += self.note(connection, &again, key, "is in two rows of the backup").await?;
            }
        }
        Ok(noted)
    }

    async fn note(&self, connection: &mut PgConnection, condition: &str, key: &[String], how: &str) -> Result<u64> {
        let values: Vec<String> = key.iter().map(|k| format!("s.{}::text", quote_ident(k))).collect();
        let sql = format!(
            "WITH gone AS (DELETE FROM {} s WHERE {condition} RETURNING s.{} AS n, concat_ws(', ', {}) AS key)
             INSERT INTO {} SELECT n, {}, {} || key || {} FROM gone",
            self.rows(),
            self.n,
            values.join(", "),
            self.misfits(),
            quote_literal("duplicate key value violates a unique constraint"),
            quote_literal(&format!("Key ({})=(", key.join(", "))),
            quote_literal(&format!(") {how}.")),
        );
        run(connection, "looking for keys that are taken", &sql).await
    }

    /// Puts the rows into the table; what PostgreSQL refuses is noted as a misfit.
    ///
    /// # Errors
    /// `Server`.
    pub async fn insert(&self, connection: &mut PgConnection) -> Result<u64> {
        let columns = self.columns();
        let list = if columns.is_empty() { String::new() } else { format!("({columns}) OVERRIDING SYSTEM VALUE ") };
        let statement = format!(
            "INSERT INTO {} {list}SELECT {columns} FROM {} s WHERE {THESE_ROWS}",
            self.plan.table.sql(),
            self.rows()
        );
        let number = format!("s.{}", self.n);
        let work = Work {
            doing: "inserting the rows",
            label: format!("insert_{}", self.number),
            statement: &statement,
            table: &self.rows(),
            number: &self.n,
            qualified_number: &number,
            misfits: &self.misfits(),
        };
        fit(connection, &work).await
    }

    /// Writes the new values into the rows that are there.
    ///
    /// # Errors
    /// `Server`.
    pub async fn update(&self, connection: &mut PgConnection, protected: &[String]) -> Result<u64> {
        let RowIdentity::Key(key) = &self.plan.identity else { return Ok(0) };
        let set: Vec<String> =
            self.writable(key, protected).map(|c| format!("{0} = u.{0}", quote_ident(&c.column))).collect();
        let same: Vec<String> = key.iter().map(|k| format!("t.{0} = u.{0}", quote_ident(k))).collect();
        let statement = format!(
            "UPDATE {} AS t SET {} FROM {} u WHERE {} AND {THESE_ROWS}",
            self.live(),
            set.join(", "),
            self.changes(),
            same.join(" AND ")
        );
        let number = format!("u.{}", self.n);
        let work = Work {
            doing: "updating the rows",
            label: format!("update_{}", self.number),
            statement: &statement,
            table: &self.changes(),
            number: &self.n,
            qualified_number: &number,
            misfits: &self.misfits(),
        };
        fit(connection, &work).await
    }
}

/// What a live value `t` will be after the row `s` of the backup has met it.
fn becomes(column: &ColumnPlan, writable: &[&ColumnPlan], on_conflict: OnConflict) -> String {
    let name = quote_ident(&column.column);
    if !writable.iter().any(|w| w.column == column.column) {
        return format!("t.{name}");
    }
    if on_conflict == OnConflict::Update {
        return format!("s.{name}");
    }
    let at_default = column
        .constant_default
        .as_ref()
        .map(|sql| format!(" OR t.{name}::text = (({sql})::{})::text", column.type_name));
    format!(
        "CASE WHEN s.{name} IS NOT NULL AND (t.{name} IS NULL{}) THEN s.{name} ELSE t.{name} END",
        at_default.unwrap_or_default()
    )
}
