//! One re-insert inside its transaction, up to the point where it can be committed or taken back.

use super::attempt::{Attempt, Ended};
use super::rejects::{self, Saved};
use super::{Purpose, plan_now};
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::Manifest;
use crate::domain::names::QualifiedName;
use crate::domain::reinsert::{ColumnPlan, OnConflict, Plan, Rejects, Report, Source};
use crate::domain::run::Committing;
use crate::domain::schema::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::commit::mark;
use crate::postgres::reinsert::aside::{Aside, switched_off};
use crate::postgres::reinsert::sequences::make_transactional;
use crate::postgres::reinsert::transaction::{begin, release, run, savepoint, sqlstate, undo, widen_search_path};
use crate::postgres::reinsert::types::{TypeInfo, read_types};
use crate::postgres::reinsert::views::reading;
use crate::postgres::url::DatabaseUrl;
use crate::store::Store;
use std::collections::HashMap;

/// What a re-insert is made of.
pub struct Load<'a> {
    pub url: &'a DatabaseUrl,
    pub store: &'a Store,
    pub backup: &'a Manifest,
    pub plan: &'a Plan,
    pub observer: &'a dyn Observer,
    pub purpose: Purpose,
}

/// What the open transaction holds.
pub struct Loaded {
    pub report: Report,
    pub rejects: Rejects,
    /// Files with the rows that did not fit; gone again unless kept.
    pub saved: Saved,
    /// By what the server will know it.
    pub committing: Committing,
}

impl Load<'_> {
    /// Begins and does everything but the commit.
    ///
    /// # Errors
    /// `Server`, `Damaged`, `Store`; the transaction is to be rolled back then.
    pub async fn run(&self, connection: &mut PgConnection) -> Result<Loaded> {
        let targets = self.targets();
        begin(connection, &targets).await?;
        fault::at("reinsert.locked");
        let now = self.catalog_as_planned(connection).await?;
        let types = read_types(connection, &self.type_names()).await?;
        let off = switched_off(connection).await?;
        widen_search_path(connection, self.url.prisma_schema(), &now.schemas).await?;
        let owned = make_transactional(connection, &self.sequences_to_hold(&now)).await?;
        let mut aside = Aside::default();
        aside.lift_row_security(connection, &self.tables_to_see(&now)).await?;

        let attempt = Attempt { load: self, now: &now, types: &types, off: &off, targets: &targets };
        savepoint(connection, "safemigrate_attempt").await?;
        let (report, rows) = match attempt.run(connection, true).await? {
            Ended::Whole(report, rows) => {
                release(connection, "safemigrate_attempt").await?;
                (report, rows)
            }
            Ended::LookAtEachRow => {
                undo(connection, "safemigrate_attempt").await?;
                match attempt.run(connection, false).await? {
                    Ended::Whole(report, rows) => (report, rows),
                    Ended::LookAtEachRow => {
                        return Err(Error::new(ErrorKind::Other, "The rows could not be put back one by one"));
                    }
                }
            }
        };
        aside.bring_back(connection).await?;
        fault::at("reinsert.rows");
        let (report, saved) = self.save_rejects(connection, &rows, report).await?;
        self.forward_and_refresh(connection, &now, &owned, &report).await?;
        fault::at("reinsert.sequences");
        if let Some(wrong) = report.tables.iter().find(|t| !t.is_balanced()) {
            return Err(Error::new(ErrorKind::Other, format!("The rows of {} do not add up: {wrong:?}", wrong.table)));
        }
        Ok(Loaded { report, rejects: self.plan.options.rejects, saved, committing: mark(connection).await? })
    }

    /// The tables that rows go into, each once, and whether it is partitioned.
    fn targets(&self) -> Vec<(QualifiedName, bool)> {
        let mut targets: Vec<(QualifiedName, bool)> =
            self.plan.tables.iter().map(|t| (t.table.clone(), t.partitioned)).collect();
        targets.sort();
        targets.dedup();
        targets
    }

    /// What was shown to the user must be what is done: the schema may have changed since.
    async fn catalog_as_planned(&self, connection: &mut PgConnection) -> Result<Catalog> {
        let (plan, now) = plan_now(connection, self.backup, &self.plan.options).await?;
        if &plan == self.plan {
            Ok(now)
        } else {
            Err(Error::new(ErrorKind::Server, "The schema has changed since the plan was made. Nothing was changed")
                .hint("Run the command again."))
        }
    }

    fn type_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for table in &self.plan.tables {
            names.extend(table.columns.iter().map(|c| c.type_name.clone()));
            let parts = table.parts.iter().filter_map(|name| self.backup.table(name));
            names.extend(parts.flat_map(|p| p.table.columns.iter().map(|c| c.type_name.clone())));
        }
        names.sort();
        names.dedup();
        names
    }

    /// All of them; with `--table` only those that these tables draw from, unless an expression may draw from any.
    fn sequences_to_hold<'c>(&self, now: &'c Catalog) -> Vec<&'c crate::domain::schema::Sequence> {
        let calls =
            |c: &ColumnPlan| !matches!(c.source, Source::Copied { .. } | Source::Null | Source::Identity { .. });
        let any = self.plan.options.tables.is_empty() || self.plan.tables.iter().any(|t| t.columns.iter().any(calls));
        let planned = |name: &QualifiedName| self.plan.sequences.iter().any(|s| &s.name == name);
        now.sequences.iter().filter(|s| any || planned(&s.name)).collect()
    }

    /// The tables whose rows must all be visible: those that rows go into, and those that they refer to.
    fn tables_to_see(&self, now: &Catalog) -> Vec<QualifiedName> {
        let mut tables: Vec<QualifiedName> = self.plan.tables.iter().map(|t| t.table.clone()).collect();
        let referred = now.foreign_keys.iter().filter(|k| tables.contains(&k.table)).map(|k| k.referenced.clone());
        let referred: Vec<QualifiedName> = referred.collect();
        tables.extend(referred);
        tables.sort();
        tables.dedup();
        tables
    }

    async fn save_rejects(
        &self,
        connection: &mut PgConnection,
        rows: &super::attempt::Stages<'_>,
        mut report: Report,
    ) -> Result<(Report, Saved)> {
        if self.plan.options.rejects == Rejects::Fail || report.rejected() == 0 || self.purpose == Purpose::Count {
            return Ok((report, Saved::nothing()));
        }
        let saved = rejects::save(connection, self.store, &self.plan.backup, rows, &report).await?;
        report.rejects_dir = saved.folder().map(|f| f.display().to_string());
        Ok((report, saved))
    }

    async fn forward_and_refresh(
        &self,
        connection: &mut PgConnection,
        now: &Catalog,
        owned: &[QualifiedName],
        report: &Report,
    ) -> Result<()> {
        let partitioned = |name: &QualifiedName| now.partitioned.iter().any(|t| &t.name == name);
        let will_fail = self.plan.options.rejects == Rejects::Fail && report.rejected() > 0;
        let emptied = self.plan.options.on_conflict == OnConflict::Replace;
        let changed = report.tables.iter().filter(|t| emptied || t.inserted + t.updated > 0);
        let changed: Vec<QualifiedName> = changed.map(|t| t.table.clone()).collect();
        for view in reading(connection, &now.materialized_views, &changed).await? {
            self.refresh(connection, &view).await?;
        }
        for sequence in &self.plan.sequences {
            // one that does not obey the transaction moves only when nothing can come in between any more
            if owned.contains(&sequence.name) || !(self.purpose == Purpose::Count || will_fail) {
                crate::postgres::reinsert::sequences::move_forward(connection, sequence, partitioned).await?;
            }
        }
        Ok(())
    }
}

impl Load<'_> {
    /// A view that cannot be refreshed is said, and keeps nobody's rows out.
    async fn refresh(&self, connection: &mut PgConnection, view: &QualifiedName) -> Result<()> {
        savepoint(connection, "safemigrate_view").await?;
        match run(connection, "refreshing a materialized view", &format!("REFRESH MATERIALIZED VIEW {}", view.sql()))
            .await
        {
            Ok(_) => release(connection, "safemigrate_view").await,
            Err(error) if sqlstate(&error).is_some() => {
                undo(connection, "safemigrate_view").await?;
                self.observer.on(Event::Note(format!(
                    "The materialized view {view} could not be refreshed and is as it was: {error}"
                )));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// What the types' names stand for, looked up once.
pub type TypeInfos = HashMap<String, TypeInfo>;
