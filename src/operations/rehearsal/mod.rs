//! Rehearsal: what is pending is applied to a scratch copy of the data, and proven there. The real database is only read.

mod base;
mod journey;
mod sample;

pub use base::{Base, choose};
pub use journey::{Rehearsed, Wish, by_itself};

use super::expected;
use super::pending::{As, Pending};
use super::rollback::{Scratch, beside_the_live};
use super::verification::{Extent, compare_live};
use super::workplace::Place;
use crate::domain::event::Event;
use crate::domain::expected::{Expectations, Script as Judged};
use crate::domain::manifest::Manifest;
use crate::domain::rehearsal::{MadeBy, Rehearsal, ScratchCopy, Script, Seconds};
use crate::domain::rescue::{Instead, Plan};
use crate::domain::schema::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::catalog::read_catalog;
use crate::postgres::databases::Copying;
use crate::postgres::session::connect;
use crate::postgres::trying::{self, Written};
use crate::prisma::Project;
use std::time::Instant;

/// Tries what is pending on the data of a full backup of this database, or on `percent` of its rows; `rescued` takes the
/// place of a migration. Scratch databases are dropped whatever happens.
///
/// # Errors
/// `Config` where Prisma cannot draft, or a migration cannot be read; `Other` where no scratch database can be made here;
/// `Damaged`, `Tool`, `Server`, `Locked`, `Interrupted`. The real database was only read.
pub async fn rehearse(
    place: &Place<'_>,
    project: &Project,
    wanted: As,
    backup: &Manifest,
    rescued: Option<&Plan>,
    percent: Option<f64>,
) -> Result<Rehearsal> {
    let rehearsed = match percent {
        None => rehearse_beside(&Rehearsing { place, project, wanted, backup, rescued, of: None }).await,
        Some(percent) => rehearse_sample(place, project, wanted, backup, percent).await,
    };
    place.observer.on(Event::StageDone);
    rehearsed.map_err(|mut error| {
        if error.kind == ErrorKind::Interrupted {
            error.message = "Interrupted while rehearsing. The scratch copy was dropped".to_owned();
        }
        error.nothing_changed()
    })
}

/// What is rehearsed, and on what.
struct Rehearsing<'a> {
    place: &'a Place<'a>,
    project: &'a Project,
    wanted: As,
    backup: &'a Manifest,
    rescued: Option<&'a Plan>,
    /// Of how many rows the backup holds some.
    of: Option<u64>,
}

async fn rehearse_sample(
    place: &Place<'_>,
    project: &Project,
    wanted: As,
    backup: &Manifest,
    percent: f64,
) -> Result<Rehearsal> {
    place.observer.on(Event::Stage { label: "Choosing rows".into(), total_bytes: 0 });
    let (store, all) = (place.store.clone(), backup.clone());
    let choosing = async {
        let chosen = tokio::task::spawn_blocking(move || sample::sampled(&store, &all, percent)).await;
        chosen.map_err(|e| Error::new(ErrorKind::Other, "Choosing the rows stopped").because(e))?
    };
    let sampled = place.interrupt.or(choosing).await?;
    let place = &Place { store: &sampled.store, ..*place };
    let of = Some(backup.rows());
    rehearse_beside(&Rehearsing { place, project, wanted, backup: &sampled.backup, rescued: None, of }).await
}

async fn rehearse_beside(this: &Rehearsing<'_>) -> Result<Rehearsal> {
    let Place { url, store, observer, interrupt, .. } = *this.place;
    let pending = Pending::look(this.place, this.project, this.wanted).await?;
    if let Some(failed) = pending.failed.first().filter(|_| this.wanted != As::Push) {
        let message =
            format!("The migration {failed} has failed before, and Prisma goes on with nothing until that is resolved");
        return Err(Error::new(ErrorKind::Other, message)
            .hint("`npx prisma migrate status` tells more; `npx prisma migrate resolve` settles it."));
    }
    let drafts = this.wanted != As::Deploy;
    if pending.migrations.is_empty() && (!drafts || interrupt.or(this.project.draft(&url.database)).await?.is_empty()) {
        return Ok(Rehearsal::of_nothing(this.described(MadeBy::Restore)));
    }
    observer.on(Event::Stage { label: "Making a scratch copy".into(), total_bytes: this.backup.bytes() });
    beside_the_live(url, store, this.backup, observer, interrupt, async |scratch| {
        let started = Instant::now();
        let made_by = fill(scratch, this.of).await?;
        let copy = started.elapsed().as_secs_f64();
        fault::at("rehearsal.copied");
        let rehearsal = this.on_copy(&pending, scratch).await?;
        let seconds = Seconds { copy, ..rehearsal.seconds };
        Ok(Rehearsal { copy: this.described(made_by), seconds, ..rehearsal })
    })
    .await
}

/// By whatever is fastest here.
async fn fill(scratch: &mut Scratch<'_>, sample_of: Option<u64>) -> Result<MadeBy> {
    let copied = if sample_of.is_none() { scratch.copy_live().await? } else { None };
    let made_by = match copied {
        Some(Copying::Clone) => MadeBy::Clone,
        Some(Copying::Files) => MadeBy::Template,
        None => {
            scratch.create().await?;
            scratch.restore().await?;
            MadeBy::Restore
        }
    };
    scratch.carry_settings().await?;
    Ok(made_by)
}

impl Rehearsing<'_> {
    async fn on_copy(&self, pending: &Pending, scratch: &Scratch<'_>) -> Result<Rehearsal> {
        let Place { store, observer, interrupt, .. } = *self.place;
        let before = as_on_copy(self.backup, &read_catalog(&mut connect(&scratch.url()).await?).await?);
        let started = Instant::now();
        observer.on(Event::Stage { label: "Trying the migrations".into(), total_bytes: 0 });
        let (scripts, written) = self.try_scripts(pending, scratch).await?;
        let migration = started.elapsed().as_secs_f64();
        fault::at("rehearsal.tried");
        let started = Instant::now();
        // nobody else is at work on the copy
        let extent = Extent::Written(&written);
        let verification = compare_live(&scratch.url(), store, &before, extent, observer, interrupt).await?;
        let verification = self.expectations(&scripts)?.mark(verification, &self.backup.tables);
        let seconds = Seconds { copy: 0.0, migration, verification: started.elapsed().as_secs_f64() };
        Ok(Rehearsal { copy: self.described(MadeBy::Restore), scripts, verification, seconds })
    }

    /// The pending ones in their order, up to the first that fails; then the draft.
    async fn try_scripts(&self, pending: &Pending, scratch: &Scratch<'_>) -> Result<(Vec<Script>, Written)> {
        let mut session = trying::session(&scratch.url()).await?;
        let (mut scripts, mut written) = (Vec::new(), Written::nothing());
        for name in &pending.migrations {
            let sql = self.sql_of(name)?;
            let tried = trying::run_script(&mut session, &sql).await?;
            written.and(tried.written);
            let script = Script { migration: Some(name.clone()), sql, statements: tried.statements };
            let fails = script.fails();
            scripts.push(script);
            self.place.observer.on(Event::TableDone(name.clone()));
            if fails {
                return Ok((scripts, written));
            }
        }
        let sql = self.draft(scratch).await?;
        if !sql.is_empty() {
            let tried = trying::run_script(&mut session, &sql).await?;
            written.and(tried.written);
            scripts.push(Script { migration: None, sql, statements: tried.statements });
        }
        Ok((scripts, written))
    }

    fn sql_of(&self, name: &str) -> Result<String> {
        match self.rescued {
            Some(Plan { sql, instead_of: Instead::Migration(of) }) if of == name => Ok(sql.clone()),
            _ => {
                let missing = || Error::new(ErrorKind::Config, format!("The migration {name} cannot be read"));
                self.project.migration_sql(name).ok_or_else(missing)
            }
        }
    }

    async fn draft(&self, scratch: &Scratch<'_>) -> Result<String> {
        match self.rescued {
            _ if self.wanted == As::Deploy => Ok(String::new()),
            Some(Plan { sql, instead_of: Instead::Draft(_) }) => Ok(sql.clone()),
            _ => self.project.draft(scratch.name).await,
        }
    }

    fn described(&self, made_by: MadeBy) -> ScratchCopy {
        ScratchCopy {
            made_by,
            backup: self.backup.id.clone(),
            taken_at: self.backup.created_at.clone(),
            rows: self.backup.rows(),
            bytes: self.backup.bytes(),
            sample_of: self.of,
        }
    }

    /// What the settings and the scripts themselves say is meant.
    fn expectations(&self, tried: &[Script]) -> Result<Expectations> {
        let is_tried = |name: &String| tried.iter().any(|script| script.migration.as_ref() == Some(name));
        let mut scripts = Vec::new();
        for name in self.project.migrations_on_disk()?.iter().filter(|name| !is_tried(name)) {
            let older = self.project.migration_sql(name).map(|sql| Judged { sql, applies: false });
            scripts.extend(older);
        }
        scripts.extend(tried.iter().map(|script| Judged { sql: script.sql.clone(), applies: true }));
        expected::of_scripts(self.place.expect_loss, &scripts, self.place.url.prisma_schema())
    }
}

/// The backup with its tables' identities on the copy: by them it is known what was renamed, dropped and made anew.
fn as_on_copy(backup: &Manifest, copy: &Catalog) -> Manifest {
    let mut backup = backup.clone();
    for data in &mut backup.tables {
        let Some(table) = copy.table(&data.table.name) else { continue };
        data.table.oid = table.oid;
        for column in &mut data.table.columns {
            column.number = table.column(&column.name).map_or(column.number, |found| found.number);
        }
    }
    backup
}
