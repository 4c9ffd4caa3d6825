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
use crate::postgres::PgConnection;
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
    let pending = pending.as_of(this.backup, this.project, this.wanted)?;
    if let Some(failed) = pending.failed.first().filter(|_| this.wanted != As::Push) {
        let message =
            format!("The migration {failed} has failed before, and Prisma goes on with nothing until that is resolved");
        return Err(Error::new(ErrorKind::Other, message)
            .hint("`npx prisma migrate status` tells more; `npx prisma migrate resolve` settles it."));
    }
    let draft = interrupt.or(this.known_draft(&pending)).await?;
    if pending.migrations.is_empty() && draft.as_ref().is_some_and(String::is_empty) {
        return Ok(Rehearsal::of_nothing(this.described(MadeBy::Restore)));
    }
    observer.on(Event::Stage { label: "Making a scratch copy".into(), total_bytes: this.backup.bytes() });
    beside_the_live(url, store, this.backup, observer, interrupt, async |scratch| {
        let started = Instant::now();
        let made_by = fill(scratch, this.of).await?;
        let copy = started.elapsed().as_secs_f64();
        fault::at("rehearsal.copied");
        let rehearsal = this.on_copy(&pending, draft.as_deref(), scratch).await?;
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

/// What was tried so far.
struct Tries {
    scripts: Vec<Script>,
    written: Written,
    seconds: f64,
}

impl Tries {
    async fn run(&mut self, session: &mut PgConnection, migration: Option<&String>, sql: String) -> Result<()> {
        let started = Instant::now();
        let tried = trying::run_script(session, &sql).await?;
        self.seconds += started.elapsed().as_secs_f64();
        self.written.and(tried.written);
        self.scripts.push(Script { migration: migration.cloned(), sql, statements: tried.statements });
        Ok(())
    }
}

impl Rehearsing<'_> {
    async fn on_copy(&self, pending: &Pending, draft: Option<&str>, scratch: &Scratch<'_>) -> Result<Rehearsal> {
        let Place { store, observer, interrupt, .. } = *self.place;
        let before = as_on_copy(self.backup, &read_catalog(&mut connect(&scratch.url()).await?).await?);
        observer.on(Event::Stage { label: "Trying the migrations".into(), total_bytes: 0 });
        let Tries { scripts, written, seconds } = self.try_scripts(pending, draft, scratch).await?;
        fault::at("rehearsal.tried");
        let started = Instant::now();
        // nobody else is at work on the copy
        let extent = Extent::Written(&written);
        let verification = compare_live(&scratch.url(), store, &before, extent, observer, interrupt).await?;
        let verification = self.expectations(&scripts)?.mark(verification, &self.backup.tables);
        let seconds = Seconds { copy: 0.0, migration: seconds, verification: started.elapsed().as_secs_f64() };
        Ok(Rehearsal { copy: self.described(MadeBy::Restore), scripts, verification, seconds })
    }

    /// The pending ones in their order, up to the first that fails; then the draft.
    async fn try_scripts(&self, pending: &Pending, draft: Option<&str>, scratch: &Scratch<'_>) -> Result<Tries> {
        let mut session = trying::session(&scratch.url()).await?;
        let mut tries = Tries { scripts: Vec::new(), written: Written::nothing(), seconds: 0.0 };
        for name in &pending.migrations {
            tries.run(&mut session, Some(name), self.sql_of(name)?).await?;
            self.place.observer.on(Event::TableDone(name.clone()));
            if tries.scripts.last().is_some_and(Script::fails) {
                return Ok(tries);
            }
        }
        let draft = match draft {
            Some(known) => known.to_owned(),
            None => self.project.draft(scratch.name).await?,
        };
        if !draft.is_empty() {
            tries.run(&mut session, None, draft).await?;
        }
        Ok(tries)
    }

    /// What Prisma would draft, as far as it is known without a copy: where migrations are pending, only what is left after
    /// them is drafted.
    async fn known_draft(&self, pending: &Pending) -> Result<Option<String>> {
        match self.rescued {
            _ if self.wanted == As::Deploy => Ok(Some(String::new())),
            Some(Plan { sql, instead_of: Instead::Draft(_) }) => Ok(Some(sql.clone())),
            _ if pending.migrations.is_empty() => self.project.draft(&self.place.url.database).await.map(Some),
            _ => Ok(None),
        }
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
