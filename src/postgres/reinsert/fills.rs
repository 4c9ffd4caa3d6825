//! `--fill`: expressions over the new row, asked anew for each.

use super::stage::Stage;
use super::transaction::{MAKING_TABLES, run};
use super::types::TypeInfo;
use crate::domain::names::quote_ident;
use crate::domain::reinsert::{ColumnPlan, Source};
use crate::error::Result;
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

impl Stage<'_> {
    /// The `--fill`s: place among the columns, column, expression.
    pub fn fills(&self) -> impl Iterator<Item = (usize, &ColumnPlan, &str)> {
        self.plan.columns.iter().enumerate().filter_map(|(at, column)| match &column.source {
            Source::Filled { sql } | Source::Converted { null_fill: Some(sql), .. } => Some((at, column, sql.as_str())),
            _ => None,
        })
    }

    /// Makes the functions that the fills need. A query inside an expression would be asked once for all rows, unless each row asks through a function.
    pub async fn prepare_fills(&self, connection: &mut PgConnection, types: &HashMap<String, TypeInfo>) -> Result<()> {
        let asking: Vec<_> = self.fills().filter(|(_, _, sql)| asks_tables(sql)).collect();
        if asking.is_empty() {
            return Ok(());
        }
        let row = format!("pg_temp.safemigrate_row_{}", self.number);
        let make = format!(
            "CREATE TEMPORARY TABLE {row} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA",
            self.columns(),
            self.rows()
        );
        run(connection, MAKING_TABLES, &make).await?;
        for (at, column, sql) in asking {
            let to = plain(column, types);
            let function = format!(
                "CREATE FUNCTION pg_temp.safemigrate_fill_{}_{at}({row}) RETURNS {to} LANGUAGE plpgsql VOLATILE AS $safemigrate$
                 #variable_conflict use_column
                 DECLARE safemigrate_value {to};
                 BEGIN
                   SELECT ({sql})::{to} INTO safemigrate_value FROM (SELECT ($1).*) AS {};
                   RETURN safemigrate_value;
                 END $safemigrate$",
                self.number,
                quote_ident(&self.plan.table.name)
            );
            run(connection, "reading a --fill", &function).await?;
        }
        Ok(())
    }

    /// The call for a row of which these columns are known so far.
    pub fn call_fill(&self, at: usize, known: &[String]) -> String {
        let values: Vec<String> = self
            .plan
            .columns
            .iter()
            .map(|c| quote_ident(&c.column))
            .map(|c| if known.contains(&c) { c } else { "NULL".into() })
            .collect();
        format!(
            "pg_temp.safemigrate_fill_{0}_{at}(ROW({1})::pg_temp.safemigrate_row_{0})",
            self.number,
            values.join(", ")
        )
    }
}

/// Whether an expression asks tables, as far as its words tell.
pub fn asks_tables(sql: &str) -> bool {
    sql.to_lowercase().contains("select")
}

/// The type to cast to: the column's without length or precision.
pub fn plain<'t>(column: &'t ColumnPlan, types: &'t HashMap<String, TypeInfo>) -> &'t str {
    types.get(&column.type_name).map_or(column.type_name.as_str(), |t| t.plain.as_str())
}
