//! Rows that refer to a row which neither is there nor comes back, and rows that refer to those, in cycles too.

use super::stage::Stage;
use super::transaction::{count, relation, run};
use crate::domain::names::{quote_ident, quote_literal};
use crate::domain::schema::ForeignKey;
use crate::error::Result;
use sqlx::postgres::PgConnection;

/// A foreign key with the stages of both sides, by their place in the list of stages.
pub struct Link<'a> {
    pub key: &'a ForeignKey,
    pub referencing: Vec<usize>,
    pub referenced: Vec<usize>,
    /// The referenced table is partitioned.
    pub partitioned: bool,
    /// `--table` leaves the referenced table out.
    pub left_out: bool,
}

/// Which temporary tables of a stage hold rows that will be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    pub rows: bool,
    pub changes: bool,
}

/// Moves orphans from the rows to the misfits until none is left; gives how many there were in each stage.
///
/// # Errors
/// `Server`.
pub async fn note_orphans(
    connection: &mut PgConnection,
    stages: &[Stage<'_>],
    pending: &[Pending],
    links: &[Link<'_>],
) -> Result<Vec<u64>> {
    let mut noted = vec![0; stages.len()];
    // after the first round only those can be new orphans that refer to a table which lost rows in the last one
    let mut lost: Vec<usize> = (0..stages.len()).collect();
    let mut first = true;
    while first || !lost.is_empty() {
        let mut loses = Vec::new();
        for link in links.iter().filter(|l| first || l.referenced.iter().any(|n| lost.contains(n))) {
            for &n in &link.referencing {
                let found = note_of_one(connection, stages, pending, link, n).await?;
                noted[n] += found;
                if found > 0 && !loses.contains(&n) {
                    loses.push(n);
                }
            }
        }
        lost = loses;
        first = false;
    }
    Ok(noted)
}

async fn note_of_one(
    connection: &mut PgConnection,
    stages: &[Stage<'_>],
    pending: &[Pending],
    link: &Link<'_>,
    n: usize,
) -> Result<u64> {
    let mut tables = Vec::new();
    if pending[n].rows {
        tables.push(stages[n].rows());
    }
    if pending[n].changes {
        tables.push(stages[n].changes());
    }
    let others: Vec<String> = link.referenced.iter().filter(|r| pending[**r].rows).map(|r| stages[*r].rows()).collect();
    let mut found = 0;
    for table in tables {
        let stage = &stages[n];
        let keys: Vec<String> = link.key.columns.iter().map(|c| format!("s.{}::text", quote_ident(c))).collect();
        let message = format!(
            "insert or update on table {} violates foreign key constraint {}",
            quote_ident(&stage.plan.table.name),
            quote_ident(&link.key.name)
        );
        let detail = format!("Key ({})=(", link.key.columns.join(", "));
        let outside = if link.left_out { " That table is left out by --table." } else { "" };
        let end = format!(") is not present in table {}.{outside}", quote_ident(&link.key.referenced.name));
        let sql = format!(
            "WITH gone AS (DELETE FROM {table} s WHERE {} RETURNING s.{} AS n, concat_ws(', ', {}) AS key)
             INSERT INTO {} SELECT n, {}, {} || key || {} FROM gone",
            orphaned(link, &others),
            stage.n,
            keys.join(", "),
            stage.misfits(),
            quote_literal(&message),
            quote_literal(&detail),
            quote_literal(&end)
        );
        found += run(connection, "looking for rows that refer to nothing", &sql).await?;
    }
    Ok(found)
}

/// The condition on `s` that its key is set and found nowhere.
fn orphaned(link: &Link<'_>, stages_referenced: &[String]) -> String {
    let same: Vec<String> = link
        .key
        .columns
        .iter()
        .zip(&link.key.referenced_columns)
        .map(|(mine, theirs)| format!("r.{} = s.{}", quote_ident(theirs), quote_ident(mine)))
        .collect();
    let same = same.join(" AND ");
    let live = relation(&link.key.referenced, link.partitioned);
    let mut nowhere = format!("NOT EXISTS (SELECT FROM {live} r WHERE {same})");
    for table in stages_referenced {
        nowhere += &format!(" AND NOT EXISTS (SELECT FROM {table} r WHERE {same})");
    }
    let set: Vec<String> = link.key.columns.iter().map(|c| format!("s.{} IS NOT NULL", quote_ident(c))).collect();
    let all_set = set.join(" AND ");
    if link.key.definition.contains(" MATCH FULL") {
        let some_set = set.join(" OR ");
        format!("(({some_set}) AND NOT ({all_set})) OR ({all_set} AND {nowhere})")
    } else {
        format!("{all_set} AND {nowhere}")
    }
}

/// Whether rows that went straight into a table refer to nothing, for a constraint that is not validated when it is added.
///
/// # Errors
/// `Server`.
pub async fn has_orphans(connection: &mut PgConnection, table: &str, link: &Link<'_>) -> Result<bool> {
    let ask = format!("SELECT count(*) FROM (SELECT FROM {table} s WHERE {} LIMIT 1) AS orphan", orphaned(link, &[]));
    Ok(count(connection, "looking for rows that refer to nothing", &ask).await? > 0)
}
