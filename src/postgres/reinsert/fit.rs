//! Statements over ranges of rows: all at once, and where that fails, halved until the rows that do not fit are alone,
//! each with PostgreSQL's own reason. The halving is done by a temporary function, so that no row costs a journey.

use super::transaction::{ROW_FAULTS, count, is_row_fault, release, run, savepoint, undo};
use crate::domain::names::quote_literal;
use crate::error::Result;
use sqlx::postgres::PgConnection;

/// Stands in a statement where the condition on the row's number goes.
pub const THESE_ROWS: &str = "/*these rows*/";

/// Into so many parts the rows are cut when all at once failed.
const PARTS: u32 = 64;

/// A statement that handles each row of a numbered temporary table independently of the others.
pub struct Work<'a> {
    /// Completes "PostgreSQL refused while …".
    pub doing: &'a str,
    /// Names the helpers; unique within the transaction.
    pub label: String,
    /// SQL with `THESE_ROWS` in a WHERE clause.
    pub statement: &'a str,
    /// The numbered table.
    pub table: &'a str,
    /// Its quoted column with the row's number.
    pub number: &'a str,
    /// How the statement names that column.
    pub qualified_number: &'a str,
    /// Where the rows that do not fit are noted: number, message, detail.
    pub misfits: &'a str,
}

/// Gives how many rows the statement handled. The others are in `misfits` afterwards.
///
/// # Errors
/// `Server` for what no single row is to blame for.
pub async fn fit(connection: &mut PgConnection, work: &Work<'_>) -> Result<u64> {
    savepoint(connection, "safemigrate_fit").await?;
    match run(connection, work.doing, &work.statement.replace(THESE_ROWS, "true")).await {
        Ok(rows) => {
            release(connection, "safemigrate_fit").await?;
            Ok(rows)
        }
        Err(error) if is_row_fault(&error) => {
            undo(connection, "safemigrate_fit").await?;
            fit_by_halves(connection, work).await
        }
        Err(error) => Err(error),
    }
}

async fn fit_by_halves(connection: &mut PgConnection, work: &Work<'_>) -> Result<u64> {
    let function = format!("pg_temp.safemigrate_fit_{}", work.label);
    let prepare = format!(
        "CREATE INDEX IF NOT EXISTS safemigrate_{}_number ON {} ({}); {}",
        work.label,
        work.table,
        work.number,
        function_text(&function, work)
    );
    run(connection, "preparing to look at single rows", &prepare).await?;
    // in parts from the start: a half that fails was done for nothing up to its bad row
    let parts = format!(
        "SELECT coalesce(sum({function}(first, least(first + size - 1, high))), 0)::bigint
         FROM (SELECT min({0}) AS low, max({0}) AS high, (max({0}) - min({0})) / {PARTS} + 1 AS size FROM {1}) AS bounds,
              generate_series(low, high, size) AS first",
        work.number, work.table
    );
    count(connection, work.doing, &parts).await
}

fn function_text(function: &str, work: &Work<'_>) -> String {
    let range = format!("{} BETWEEN $1 AND $2", work.qualified_number);
    let statement = work.statement.replace(THESE_ROWS, &range);
    let faults: Vec<String> = ROW_FAULTS.iter().map(|c| quote_literal(c)).collect();
    format!(
        "CREATE OR REPLACE FUNCTION {function}(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS $safemigrate$
         #variable_conflict use_column
         DECLARE
           safemigrate_done bigint; safemigrate_code text; safemigrate_message text; safemigrate_detail text;
         BEGIN
           BEGIN
             {statement};
             GET DIAGNOSTICS safemigrate_done = ROW_COUNT;
             RETURN safemigrate_done;
           EXCEPTION WHEN OTHERS THEN
             GET STACKED DIAGNOSTICS safemigrate_code = RETURNED_SQLSTATE, safemigrate_message = MESSAGE_TEXT,
                                     safemigrate_detail = PG_EXCEPTION_DETAIL;
             IF left(safemigrate_code, 2) <> ALL (ARRAY[{}]) THEN RAISE; END IF;
             -- a row of the stage ends with its number, which is none of the user's values
             IF safemigrate_message ~ 'safemigrate_rows_[0-9]' THEN
               safemigrate_detail := regexp_replace(safemigrate_detail, ', ' || $1 || '[)][.]$', ').');
             END IF;
           END;
           IF $1 >= $2 THEN
             INSERT INTO {} VALUES ($1, safemigrate_message, safemigrate_detail);
             RETURN 0;
           END IF;
           RETURN {function}($1, $1 + ($2 - $1) / 2) + {function}($1 + ($2 - $1) / 2 + 1, $2);
         END $safemigrate$",
        faults.join(", "),
        work.misfits,
    )
}
