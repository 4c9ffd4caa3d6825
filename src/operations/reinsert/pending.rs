//! From the stages into the tables: rows that refer to nothing out, the others in, until nothing changes any more.

use super::attempt::{Attempt, Progress};
use crate::domain::event::Event;
use crate::domain::names::QualifiedName;
use crate::domain::reinsert::TablePlan;
use crate::domain::schema::{ForeignKey, Identity};
use crate::error::Result;
use crate::postgres::PgConnection;
use crate::postgres::reinsert::aside::Aside;
use crate::postgres::reinsert::orphans::{Link, Pending, note_orphans};
use crate::postgres::reinsert::stage::Stage;
use crate::postgres::reinsert::transaction::{release, savepoint, undo};

const NOTHING: Pending = Pending { rows: false, changes: false };

impl<'a> Attempt<'a> {
    /// Foreign keys that check something, with the planned tables on both of their sides.
    pub fn links(&self) -> Vec<Link<'a>> {
        let tables = &self.load.plan.tables;
        let places = |name: &QualifiedName| -> Vec<usize> {
            let is = |t: &TablePlan| &t.table == name || t.partition_root.as_ref() == Some(name);
            (0..tables.len()).filter(|n| is(&tables[*n])).collect()
        };
        let checks = |k: &&ForeignKey| !self.is_off(k) && !k.definition.contains("NOT ENFORCED");
        let links = self.now.foreign_keys.iter().filter(checks).map(|key| Link {
            key,
            referencing: places(&key.table),
            referenced: places(&key.referenced),
            partitioned: self.now.partitioned.iter().any(|t| t.name == key.referenced),
            left_out: places(&key.referenced).is_empty() && !self.load.plan.options.tables.is_empty(),
        });
        links.collect()
    }

    /// Columns that are never overwritten: the primary key, what others refer to, and identities that PostgreSQL alone writes.
    pub fn protected(&self, table: &TablePlan) -> Vec<String> {
        let Some(live) = self.now.table(&table.table) else { return Vec::new() };
        let mut columns = live.primary_key.clone();
        let referenced = self.now.foreign_keys.iter().filter(|k| self.holds(table, &k.referenced));
        columns.extend(referenced.flat_map(|k| k.referenced_columns.iter().cloned()));
        columns.extend(live.columns.iter().filter(|c| c.identity == Some(Identity::Always)).map(|c| c.name.clone()));
        columns
    }

    /// Rows that refer to nothing out, the others in; once more where a row that PostgreSQL refused was referred to.
    pub async fn insert_pending(
        &self,
        connection: &mut PgConnection,
        stages: &[Stage<'_>],
        progress: &mut [Progress],
        links: &[Link<'_>],
        aside: &mut Aside,
    ) -> Result<()> {
        let mut pending: Vec<Pending> = progress.iter().map(|p| p.pending.unwrap_or(NOTHING)).collect();
        loop {
            note_orphans(connection, stages, &pending, links).await?;
            for (stage, pending) in stages.iter().zip(&mut pending).filter(|(_, p)| **p != NOTHING) {
                // nothing left to write: then this user need not have the right to
                if stage.has_pending(connection, *pending).await? {
                    self.open(connection, stage.plan, aside).await?;
                } else {
                    *pending = NOTHING;
                }
            }
            savepoint(connection, "safemigrate_insert").await?;
            self.write(connection, stages, &pending, progress, links).await?;
            let mut refused = 0;
            for (stage, pending) in stages.iter().zip(&pending) {
                refused += stage.take_out_refused(connection, *pending).await?;
            }
            // rows that are in already may refer to rows that were refused
            if refused == 0 || note_orphans(connection, stages, &pending, links).await?.iter().all(|n| *n == 0) {
                return release(connection, "safemigrate_insert").await;
            }
            let mut misfits = Vec::new();
            for stage in stages.iter().zip(&pending).filter(|(_, p)| **p != NOTHING).map(|(stage, _)| stage) {
                misfits.push((stage, stage.read_misfits(connection).await?));
            }
            undo(connection, "safemigrate_insert").await?;
            for (stage, rows) in misfits {
                stage.write_misfits(connection, &rows).await?;
            }
            for (stage, pending) in stages.iter().zip(&pending) {
                stage.take_out_refused(connection, *pending).await?;
            }
        }
    }

    /// Updates first: they may free a unique value that an inserted row has.
    async fn write(
        &self,
        connection: &mut PgConnection,
        stages: &[Stage<'_>],
        pending: &[Pending],
        progress: &mut [Progress],
        links: &[Link<'_>],
    ) -> Result<()> {
        for (n, stage) in stages.iter().enumerate() {
            if progress[n].pending.is_some() {
                (progress[n].inserted, progress[n].updated) = (0, 0);
            }
            if pending[n].changes {
                progress[n].updated = stage.update(connection, &self.protected(stage.plan)).await?;
            }
        }
        for n in insertion_order(stages.len(), links) {
            if pending[n].rows {
                progress[n].inserted = stages[n].insert(connection).await?;
            }
            if progress[n].pending.is_some() {
                self.load.observer.on(Event::TableDone(stages[n].plan.table.to_string()));
            }
        }
        Ok(())
    }
}

/// Referenced tables first, as far as there is no cycle, so that keys that could not be put aside are content.
fn insertion_order(count: usize, links: &[Link<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(count);
    while order.len() < count {
        let waits = |n: usize| {
            links
                .iter()
                .any(|l| l.referencing.contains(&n) && l.referenced.iter().any(|r| *r != n && !order.contains(r)))
        };
        let left: Vec<usize> = (0..count).filter(|n| !order.contains(n)).collect();
        let next = left.iter().copied().find(|n| !waits(*n)).or(left.first().copied());
        order.extend(next);
    }
    order
}
