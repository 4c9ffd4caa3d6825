//! From the backup's text to rows in today's types: checked, mapped, cast, filled.

use super::convert::{Casts, Conversion};
use super::fills::{asks_tables, plain};
use super::fit::{THESE_ROWS, Work, fit};
use super::stage::{Stage, default_sql};
use super::transaction::{is_row_fault, release, run, savepoint};
use super::types::TypeInfo;
use crate::domain::names::{quote_ident, quote_literal};
use crate::domain::reinsert::{ColumnPlan, Source};
use crate::error::{Error, ErrorKind, Result};
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// What makes a row a misfit that can be told from its text; all three are SQL.
struct Check {
    condition: String,
    message: String,
    detail: String,
}

impl Check {
    fn new(condition: String, message: String, detail: impl Into<String>) -> Self {
        Self { condition: format!("({condition})"), message, detail: detail.into() }
    }
}

impl Stage<'_> {
    /// Casts, maps and fills the text into today's types; rows that cannot be are noted as misfits.
    ///
    /// # Errors
    /// `Server`; `Usage` for a `--map-value` whose new value is none of the type.
    pub async fn convert(&self, connection: &mut PgConnection, types: &HashMap<String, TypeInfo>) -> Result<()> {
        let mut casts = Casts::default();
        let mut checks = Vec::new();
        let mut known = Vec::new();
        for column in &self.plan.columns {
            if let Some(sql) = self.value(connection, column, types, &mut casts, &mut checks).await? {
                known.push((quote_ident(&column.column), sql));
            }
        }
        self.check_text(connection, &checks).await?;
        self.prepare_fills(connection, types).await?;
        let statement = self.insert_converted(known, types);
        let work = Work {
            doing: "casting the rows",
            label: format!("text_{}", self.number),
            statement: &statement,
            table: &self.text(),
            number: "n",
            qualified_number: "r.n",
            misfits: &self.misfits(),
        };
        fit(connection, &work).await.map(|_| ())
    }

    /// One pass over the text for what can be told without casting it.
    async fn check_text(&self, connection: &mut PgConnection, checks: &[Check]) -> Result<()> {
        if checks.is_empty() {
            return Ok(());
        }
        let cases = |what: fn(&Check) -> &str| -> String {
            checks.iter().map(|c| format!(" WHEN {} THEN {}", c.condition, what(c))).collect()
        };
        let any: Vec<&str> = checks.iter().map(|c| c.condition.as_str()).collect();
        let sql = format!(
            "INSERT INTO {} SELECT r.n, CASE{} END, CASE{} END FROM {} r WHERE {}",
            self.misfits(),
            cases(|c| &c.message),
            cases(|c| &c.detail),
            self.text(),
            any.join(" OR ")
        );
        run(connection, "looking for rows that do not fit", &sql).await.map(|_| ())
    }

    fn insert_converted(&self, known: Vec<(String, String)>, types: &HashMap<String, TypeInfo>) -> String {
        let select: String = known.iter().map(|(name, sql)| format!(", {sql} AS {name}")).collect();
        let mut from = format!(
            // a look into the index for each row: a join would read all misfits again for each range
            "SELECT r.n AS {}{select} FROM {} r WHERE {THESE_ROWS} AND (SELECT m.n FROM {} m WHERE m.n = r.n LIMIT 1) IS NULL",
            self.n,
            self.text(),
            self.misfits()
        );
        let mut names: Vec<String> = known.into_iter().map(|(name, _)| name).collect();
        for (at, column, sql) in self.fills() {
            let name = quote_ident(&column.column);
            let others: String = names.iter().filter(|n| **n != name).map(|n| format!(", {n}")).collect();
            let fill = if asks_tables(sql) {
                self.call_fill(at, &names)
            } else {
                format!("({sql})::{}", plain(column, types))
            };
            let value = if names.contains(&name) {
                format!("CASE WHEN {name} IS NULL THEN {fill} ELSE {name} END")
            } else {
                fill
            };
            from = format!(
                "SELECT {}{others}, {value} AS {name} FROM ({from}) AS {}",
                self.n,
                quote_ident(&self.plan.table.name)
            );
            names.retain(|n| *n != name);
            names.push(name);
        }
        let list: String = names.iter().map(|n| format!(", {n}")).collect();
        format!(
            "INSERT INTO {} ({}{list}) OVERRIDING SYSTEM VALUE SELECT {}{list} FROM ({from}) AS safemigrate",
            self.rows(),
            self.n,
            self.n
        )
    }

    /// The value of a column of today made from the text, or nothing for a fill; adds what can be checked beforehand.
    async fn value(
        &self,
        connection: &mut PgConnection,
        column: &ColumnPlan,
        types: &HashMap<String, TypeInfo>,
        casts: &mut Casts,
        checks: &mut Vec<Check>,
    ) -> Result<Option<String>> {
        let gone = || {
            Error::new(
                ErrorKind::Server,
                format!("The type {} of {}.{} is gone", column.type_name, self.plan.table, column.column),
            )
        };
        let new = types.get(&column.type_name).ok_or_else(gone)?;
        let (from, from_type, values, filled) = match &column.source {
            Source::Copied { from } => (from, &column.type_name, [].as_slice(), false),
            Source::Converted { from, from_type, values, null_fill } => {
                (from, from_type, values.as_slice(), null_fill.is_some())
            }
            Source::Cast { sql, .. } => return Ok(Some(format!("({})::{}", self.over_old_row(sql, types), new.plain))),
            Source::Null => return Ok(Some(format!("NULL::{}", new.plain))),
            Source::Filled { .. } => return Ok(None),
            Source::Default { .. } | Source::Identity { .. } | Source::Empty { .. } => {
                return Ok(default_sql(column).map(|sql| format!("({sql})::{}", new.plain)));
            }
        };
        let text = self.text_of(from).ok_or_else(gone)?;
        if column.not_null && !filled {
            let message = format!(
                "null value in column {} of relation {} violates not-null constraint",
                quote_ident(&column.column),
                quote_ident(&self.plan.table.name)
            );
            checks.push(Check::new(format!("({text}) IS NULL"), quote_literal(&message), "NULL"));
        }
        let gone_array = TypeInfo::gone_array(from_type);
        let old = if from_type == &column.type_name { Some(new) } else { types.get(from_type).or(gone_array.as_ref()) };
        let conversion = Conversion { old, new, text: &text, values };
        if from_type != &column.type_name || old.is_none() {
            checks.extend(conversion.length_check().map(|sql| {
                let message =
                    format!("value too long for type {}: column {}", column.type_name, quote_ident(&column.column));
                Check::new(sql, quote_literal(&message), format!("left({text}, 100)"))
            }));
        }
        if new.kind == "e"
            && !new.is_array()
            && !old.is_some_and(TypeInfo::is_array)
            && old.is_none_or(|o| o.is_string() || o.kind == "e")
        {
            let mapped: String =
                values.iter().map(|(from, _)| format!(" AND {text} <> {}", quote_literal(from))).collect();
            let condition =
                format!("{text} <> ALL (ARRAY(SELECT unnest(enum_range(NULL::{}))::text)){mapped}", new.base);
            // word for word as PostgreSQL says it of a list's element, so that both are one reason
            let message = format!(
                "format('invalid input value for enum %s: \"%s\"', {}::regtype, {text})",
                quote_literal(&new.base)
            );
            checks.push(Check::new(condition, message, "NULL"));
        }
        self.try_values(connection, column, new, values).await?;
        conversion.sql(connection, casts).await.map(Some)
    }

    /// A new value that is none of the type is a mistake on the command line, not of a row.
    async fn try_values(
        &self,
        connection: &mut PgConnection,
        column: &ColumnPlan,
        new: &TypeInfo,
        values: &[(String, String)],
    ) -> Result<()> {
        for (_, to) in values {
            let plain = if to.starts_with('{') { &new.plain } else { new.element.as_ref().unwrap_or(&new.plain) };
            savepoint(connection, "safemigrate_value").await?;
            let tried =
                run(connection, "trying a value", &format!("SELECT ({}::text)::{plain}", quote_literal(to))).await;
            match tried {
                Ok(_) => release(connection, "safemigrate_value").await?,
                Err(error) if is_row_fault(&error) => {
                    return Err(Error::new(
                        ErrorKind::Usage,
                        format!(
                            "--map-value: {to} is no value of {}.{} ({plain}). Nothing was changed",
                            self.plan.table, column.column
                        ),
                    )
                    .because(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// An expression of `--cast` over the old row: old names, and old types where they still exist.
    fn over_old_row(&self, sql: &str, types: &HashMap<String, TypeInfo>) -> String {
        let columns = self.old.iter().enumerate().filter(|(n, _)| self.kept[*n]).map(|(n, (name, type_name))| {
            let plain = types.get(type_name).map_or("text", |t| t.plain.as_str());
            format!("(r.c{n})::{plain} AS {}", quote_ident(name))
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!("SELECT ({sql}) FROM (SELECT {columns}) AS {}", quote_ident(&self.plan.from.name))
    }
}
