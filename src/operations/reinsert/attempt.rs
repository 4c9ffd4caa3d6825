//! Getting the rows in: the quick way where tables are empty and types equal, else through staging, row by row accounted for.

use super::Purpose;
use super::feed::{feed, parts};
use super::load::{Load, TypeInfos};
use crate::domain::event::Event;
use crate::domain::names::QualifiedName;
use crate::domain::reinsert::report::ChangedColumn;
use crate::domain::reinsert::{OnConflict, Rejects, Report, TablePlan};
use crate::domain::schema::{Catalog, ForeignKey};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::reinsert::aside::{Aside, truncate};
use crate::postgres::reinsert::indexes::DroppedIndexes;
use crate::postgres::reinsert::orphans::{Pending, has_orphans};
use crate::postgres::reinsert::stage::Stage;
use crate::postgres::reinsert::transaction::{is_row_fault, release, run, savepoint, sqlstate, undo};

/// The staged tables of an attempt that succeeded, for whoever wants the rows that did not fit.
pub type Stages<'p> = Vec<Stage<'p>>;

pub enum Ended<'p> {
    Whole(Report, Stages<'p>),
    /// Rows that went in without a look refer to nothing: once more, and with a look.
    LookAtEachRow,
}

pub struct Attempt<'a> {
    pub load: &'a Load<'a>,
    pub now: &'a Catalog,
    pub types: &'a TypeInfos,
    /// Foreign keys that somebody has switched off.
    pub off: &'a [(QualifiedName, String)],
    pub targets: &'a [(QualifiedName, bool)],
}

/// How far the rows of one planned table have come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// They went straight in.
    pub straight: bool,
    pub in_backup: u64,
    pub already_present: u64,
    /// Values of those rows that nobody else can compare, and that are not the backup's.
    pub values_kept: Vec<ChangedColumn>,
    pub inserted: u64,
    pub updated: u64,
    /// Rows that wait in the stage.
    pub pending: Option<Pending>,
}

impl<'a> Attempt<'a> {
    /// `straight`: whether rows may go in without a look at each.
    pub async fn run(&self, connection: &mut PgConnection, straight: bool) -> Result<Ended<'a>> {
        let plan = self.load.plan;
        let stages: Stages<'a> = plan.tables.iter().enumerate().filter_map(|(n, t)| self.stage(n, t)).collect();
        let mut progress = vec![Progress::default(); stages.len()];
        let mut aside = Aside::default();
        if plan.options.on_conflict == OnConflict::Replace {
            self.empty(connection, &mut aside).await?;
        }
        let links = self.links();
        if straight {
            for n in 0..stages.len() {
                progress[n] = self.go_straight(connection, &stages[n], &mut aside).await?;
            }
        }
        for n in 0..stages.len() {
            if !progress[n].straight {
                progress[n] = self.prepare_rows(connection, &stages[n]).await?;
            }
        }
        fault::at("reinsert.staged");
        self.insert_pending(connection, &stages, &mut progress, &links, &mut aside).await?;
        fault::at("reinsert.inserted");
        for link in links.iter().filter(|l| !l.key.validated && aside.is_dropped(l.key)) {
            for &n in link.referencing.iter().filter(|n| progress[**n].straight) {
                if has_orphans(connection, &stages[n].live(), link).await? {
                    return Ok(Ended::LookAtEachRow);
                }
            }
        }
        match aside.bring_back_foreign_keys(connection).await {
            Ok(()) => {}
            Err(error) if sqlstate(&error).as_deref() == Some("23503") => {
                if progress.iter().any(|p| p.straight) {
                    return Ok(Ended::LookAtEachRow);
                }
                return Err(refers_to_nothing(error));
            }
            Err(error) => return Err(error),
        }
        aside.bring_back(connection).await?;
        fault::at("reinsert.foreign-keys");
        let report = self.report(connection, &stages, &progress).await?;
        Ok(Ended::Whole(report, stages))
    }

    fn stage(&self, number: usize, table: &'a TablePlan) -> Option<Stage<'a>> {
        let part = parts(self.load.backup, table).into_iter().next()?;
        Some(Stage::new(number, table, &part.table, self.load.plan.options.rejects == Rejects::Save))
    }

    pub fn is_off(&self, key: &ForeignKey) -> bool {
        self.off.iter().any(|(table, name)| table == &key.table && name == &key.name)
    }

    /// Whether rows that go into this table are rows of the foreign key's table: itself, its root, or one of its leaves.
    pub fn holds(&self, table: &TablePlan, keys_table: &QualifiedName) -> bool {
        let leaf_of =
            |root: &QualifiedName| self.now.table(keys_table).and_then(|t| t.partition_root.as_ref()) == Some(root);
        &table.table == keys_table || table.partition_root.as_ref() == Some(keys_table) || leaf_of(&table.table)
    }

    /// Keeps triggers quiet and puts the table's foreign keys aside, before the first row goes in.
    pub async fn open(&self, connection: &mut PgConnection, table: &TablePlan, aside: &mut Aside) -> Result<()> {
        aside.open(connection, &table.table).await?;
        for key in self.now.foreign_keys.iter().filter(|k| !self.is_off(k) && self.holds(table, &k.table)) {
            aside.drop_foreign_key(connection, key).await?;
        }
        Ok(())
    }

    /// `--on-conflict replace`: whoever refers to these tables is put aside first, so that nothing else is emptied.
    async fn empty(&self, connection: &mut PgConnection, aside: &mut Aside) -> Result<()> {
        for table in &self.load.plan.tables {
            self.open(connection, table, aside).await?;
            for key in self.now.foreign_keys.iter().filter(|k| self.holds(table, &k.referenced)) {
                aside.drop_foreign_key(connection, key).await?;
            }
        }
        truncate(connection, self.targets).await
    }

    /// COPY into the empty table itself; undone when a row does not fit.
    async fn go_straight(
        &self,
        connection: &mut PgConnection,
        stage: &Stage<'_>,
        aside: &mut Aside,
    ) -> Result<Progress> {
        let alone = self.load.plan.tables.iter().filter(|t| t.table == stage.plan.table).count() == 1;
        if !(alone && stage.plan.is_straight() && stage.is_plain() && stage.is_empty(connection).await?) {
            return Ok(Progress::default());
        }
        if stage.plan.rows > 0 {
            self.open(connection, stage.plan, aside).await?;
        }
        savepoint(connection, "safemigrate_copy").await?;
        match self.copy_straight(connection, stage).await {
            Ok(copied) => {
                release(connection, "safemigrate_copy").await?;
                self.load.observer.on(Event::TableDone(stage.plan.table.to_string()));
                Ok(Progress { straight: true, in_backup: copied, inserted: copied, ..Progress::default() })
            }
            Err(error) if is_row_fault(&error) => {
                undo(connection, "safemigrate_copy").await?;
                Ok(Progress::default())
            }
            Err(error) => Err(error),
        }
    }

    async fn copy_straight(&self, connection: &mut PgConnection, stage: &Stage<'_>) -> Result<u64> {
        let indexes = DroppedIndexes::of(connection, &stage.plan.table, stage.plan.rows).await?;
        let (rows, target) = (parts(self.load.backup, stage.plan), stage.plan.table.sql());
        let copied =
            feed(connection, self.load.store, &rows, self.load.observer, |part| stage.copy_plain(part, &target))
                .await?;
        indexes.build(connection).await?;
        Ok(copied)
    }

    /// Brings the rows into today's types and takes out those that are there already or cannot go in.
    async fn prepare_rows(&self, connection: &mut PgConnection, stage: &Stage<'_>) -> Result<Progress> {
        let in_backup = self.bring_in(connection, stage).await?;
        run(connection, "counting the rows", &format!("ANALYZE {}", stage.rows())).await?;
        let on_conflict = self.load.plan.options.on_conflict;
        let live_is_empty = stage.is_empty(connection).await?;
        let mut progress = Progress { in_backup, ..Progress::default() };
        let mut pending = Pending { rows: true, changes: false };
        if !live_is_empty {
            let met = stage.meet(connection, on_conflict, &self.protected(stage.plan)).await?;
            progress.already_present = met.already_present;
            progress.values_kept = met.values_kept;
            pending.changes = met.to_change > 0;
        }
        // updates may free or take values that inserts need: then PostgreSQL itself judges
        if !matches!(on_conflict, OnConflict::Fill | OnConflict::Update) {
            stage.note_collisions(connection, live_is_empty).await?;
        }
        progress.pending = Some(pending);
        Ok(progress)
    }

    async fn bring_in(&self, connection: &mut PgConnection, stage: &Stage<'_>) -> Result<u64> {
        stage.create(connection).await?;
        let rows = parts(self.load.backup, stage.plan);
        let (store, observer) = (self.load.store, self.load.observer);
        if stage.is_plain() && self.load.plan.options.rejects == Rejects::Fail {
            savepoint(connection, "safemigrate_stage").await?;
            match feed(connection, store, &rows, observer, |part| stage.copy_plain(part, &stage.rows())).await {
                Ok(copied) => {
                    release(connection, "safemigrate_stage").await?;
                    return Ok(copied);
                }
                Err(error) if is_row_fault(&error) => undo(connection, "safemigrate_stage").await?,
                Err(error) => return Err(error),
            }
        }
        stage.create_text(connection).await?;
        let copied = feed(connection, store, &rows, observer, |part| stage.copy_text(part)).await?;
        stage.convert(connection, self.types).await?;
        Ok(copied)
    }

    async fn report(
        &self,
        connection: &mut PgConnection,
        stages: &[Stage<'_>],
        progress: &[Progress],
    ) -> Result<Report> {
        let mut report = Report::new(self.load.plan, self.load.purpose == Purpose::Count);
        for ((stage, progress), table) in stages.iter().zip(progress).zip(&mut report.tables) {
            table.in_backup = progress.in_backup;
            table.inserted = progress.inserted;
            table.updated = progress.updated;
            table.already_present = progress.already_present;
            table.values_kept.clone_from(&progress.values_kept);
            if !progress.straight {
                (table.rejected, table.reasons) = stage.reasons(connection).await?;
                table.columns_changed = stage.count_rounded(connection, self.types).await?;
            }
        }
        Ok(report)
    }
}

/// Rows that are not of the backup would be left without what they refer to.
fn refers_to_nothing(error: Error) -> Error {
    let mut misfit = Error::new(
        ErrorKind::RowsDoNotFit,
        "Rows that are in the database refer to rows that are not in the backup and would be gone. Nothing was changed",
    );
    misfit.hints.clone_from(&error.hints);
    misfit.hint("Without --on-conflict replace, rows that are there stay.").because(error)
}
