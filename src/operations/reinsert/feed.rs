//! The rows of a backup on their way into a table.

use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Manifest, TableData};
use crate::domain::reinsert::TablePlan;
use crate::domain::reinsert::fields::OnlyFields;
use crate::domain::schema::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::copy::copy_in;
use crate::store::Store;

/// The backup's data of a planned table: one part, or one for each leaf.
pub fn parts<'b>(backup: &'b Manifest, plan: &TablePlan) -> Vec<&'b TableData> {
    plan.parts.iter().filter_map(|name| backup.table(name)).collect()
}

/// Copies all segments; `statement` gives for a part which fields go on and the COPY that takes them. Gives the rows.
///
/// # Errors
/// `Server` with PostgreSQL's reason, `Damaged`.
pub async fn feed(
    connection: &mut PgConnection,
    store: &Store,
    parts: &[&TableData],
    observer: &dyn Observer,
    statement: impl Fn(&Table) -> (Vec<bool>, String),
) -> Result<u64> {
    let mut rows = 0;
    for part in parts {
        let (keep, sql) = statement(&part.table);
        for segment in &part.segments {
            let object = store.object(&segment.object)?;
            let copied = if keep.iter().all(|k| *k) {
                copy_in(connection, &sql, object).await?
            } else {
                copy_in(connection, &sql, OnlyFields::new(object, keep.clone())).await?
            };
            if copied != segment.rows {
                let what = format!(
                    "{} has {copied} rows in a segment of the backup that should have {}",
                    part.table.name, segment.rows
                );
                return Err(Error::new(ErrorKind::Damaged, format!("The backup is damaged: {what}")));
            }
            fault::at("reinsert.segment");
            rows += copied;
            observer.on(Event::Bytes(segment.bytes));
        }
    }
    Ok(rows)
}
