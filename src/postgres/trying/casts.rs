//! Whether every value of a column goes into another type, tried on a copy of the rows that nobody else sees.

use super::rows::Search;
use crate::domain::names::quote_ident;
use crate::domain::rehearsal::{BadRow, BadRows};
use crate::domain::schema::Table;
use crate::error::Result;
use crate::postgres::copy::copy_in;
use crate::postgres::session::doing;
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use std::io::Read;

/// In the session's own schema.
const ROWS: &str = "pg_temp.safemigrate_rows";

/// How a cast came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CastTrial {
    /// Every value goes into the type, by this expression.
    Holds(String),
    /// These do not.
    Fails(BadRows),
    /// There is no such cast.
    Impossible,
}

/// The rows of one table, its columns as text but for one.
pub struct CastRows<'a> {
    connection: &'a mut PgConnection,
    table: &'a Table,
    column: &'a str,
    rows: u64,
}

impl<'a> CastRows<'a> {
    /// Makes a temporary table for the rows of `table`. Where the type of `column` is gone by now, its text stands for it.
    ///
    /// # Errors
    /// `Server`.
    pub async fn begin(connection: &'a mut PgConnection, table: &'a Table, column: &'a str) -> Result<Self> {
        let columns = |own: bool| {
            let columns = table.data_columns().map(|c| {
                let is_it = own && c.name == column;
                format!("{} {}", quote_ident(&c.name), if is_it { c.type_name.as_str() } else { "text" })
            });
            columns.collect::<Vec<_>>().join(", ")
        };
        let make = |columns: String| {
            format!("DROP TABLE IF EXISTS {ROWS}; CREATE TEMPORARY TABLE safemigrate_rows ({columns})")
        };
        if connection.execute(make(columns(true)).as_str()).await.is_err() {
            let plain = make(columns(false));
            connection.execute(plain.as_str()).await.map_err(doing("making a temporary table"))?;
        }
        Ok(Self { connection, table, column, rows: 0 })
    }

    /// Takes rows as the store has them.
    ///
    /// # Errors
    /// `Server`, `Damaged`.
    pub async fn take(&mut self, content: impl Read + Send + 'static) -> Result<()> {
        let names: Vec<String> = self.table.data_columns().map(|c| quote_ident(&c.name)).collect();
        let statement = format!("COPY {ROWS} ({}) FROM STDIN", names.join(", "));
        self.rows += copy_in(self.connection, &statement, content).await?;
        Ok(())
    }

    /// Tries the expressions one after the other.
    ///
    /// # Errors
    /// `Server` where the session is lost.
    pub async fn try_all(self, expressions: &[String], ty: &str) -> Result<CastTrial> {
        let mut first = None;
        for expression in expressions {
            // a statement of its own, so that a cast that does not exist is told from a value that does not fit
            let sql = format!("SELECT count(({expression})::{ty}) FROM {ROWS}");
            match self.connection.execute(sql.as_str()).await {
                Ok(_) => return Ok(CastTrial::Holds(expression.clone())),
                Err(sqlx::Error::Database(error)) => {
                    let exists = !error.code().is_some_and(|code| code.starts_with("42"));
                    if exists && first.is_none() {
                        first = Some(expression);
                    }
                }
                Err(error) => return Err(doing("trying a cast")(error)),
            }
        }
        match first {
            Some(expression) => self.misfits(expression, ty).await,
            None => Ok(CastTrial::Impossible),
        }
    }

    async fn misfits(self, expression: &str, ty: &str) -> Result<CastTrial> {
        let key: Vec<String> = self.table.primary_key.iter().map(|column| quote_ident(column)).collect();
        let search = Search::castable(self.connection, ROWS, &quote_ident(self.column), expression, ty, &key).await;
        let search = search.map_err(doing("looking for values that do not fit"))?;
        let rows = sqlx::query(&search.sql).fetch_all(&mut *self.connection).await;
        let rows = rows.map_err(doing("looking for values that do not fit"))?;
        let examples: Result<Vec<BadRow>, sqlx::Error> = rows.iter().map(super::rows::example).collect();
        let count = rows.first().map(|row| super::rows::unsigned(row, "total")).transpose();
        let (examples, count) = examples.and_then(|e| Ok((e, count?))).map_err(doing("reading them"))?;
        Ok(CastTrial::Fails(BadRows {
            table: self.table.name.to_string(),
            count: count.unwrap_or_default(),
            of: self.rows,
            what: search.what,
            examples,
        }))
    }
}
