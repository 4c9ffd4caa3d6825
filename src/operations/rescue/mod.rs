//! Rename rescue: before Prisma drafts or applies a migration that drops what may only have got another name or type, the
//! user is asked, and the migration says it as it was meant. The rest of it is Prisma's own diff.

mod rounds;

use super::pending::{As, Pending};
use super::rollback::{Scratch, beside_the_live};
use super::workplace::Place;
use crate::domain::changes::{Change, Changes};
use crate::domain::event::Event;
use crate::domain::manifest::Manifest;
use crate::domain::prisma_schema::Declared;
use crate::domain::rescue::draft::Draft;
use crate::domain::rescue::{Instead, Plan, Rescue};
use crate::error::{ErrorKind, Result};
use crate::postgres::catalog::read_catalog;
use crate::postgres::reinsert::types::read_shapes;
use crate::postgres::session::connect;
use crate::postgres::trying::{self, bare_statements};
use crate::prisma::Project;
use crate::prisma::files::apply;
use rounds::{Agreed, Rounds};

/// Something to be answered with yes or no.
#[derive(Debug)]
pub enum Question<'q> {
    /// Is it that, and shall the migration say so?
    Rescue(&'q Rescue),
    /// Shall the file be changed so?
    Rewrite(&'q Changes),
}

/// Who answers.
#[derive(Clone, Copy)]
pub enum Answers<'a> {
    /// Nobody: what could be done is only said.
    Nobody,
    Person(&'a (dyn Fn(&Question<'_>) -> Result<bool> + Sync)),
}

/// Looks whether something may be renamed, and asks. `None`: Prisma shall do as ever.
///
/// # Errors
/// `Interrupted`; those of the server. That no scratch database can be made here is a note.
pub async fn plan(
    place: &Place<'_>,
    project: &Project,
    backup: &Manifest,
    answers: Answers<'_>,
) -> Result<Option<Plan>> {
    let Some(pending) = what_may_rename(place, project).await? else { return Ok(None) };
    place.observer.on(Event::Stage { label: "Looking for renamed fields".into(), total_bytes: 0 });
    let Place { url, store, observer, interrupt, .. } = *place;
    let planned = beside_the_live(url, store, backup, observer, interrupt, async |scratch| {
        scratch.create().await?;
        scratch.restore_structure().await?;
        scratch.carry_settings().await?;
        on_structure(place, project, &pending, backup, answers, scratch).await
    })
    .await;
    observer.on(Event::StageDone);
    match planned {
        Err(error) if error.kind != ErrorKind::Interrupted => {
            let why = error.promising_nothing();
            let what =
                format!("Whether something was only renamed cannot be found out, and Prisma does as ever: {why}");
            observer.on(Event::Note(what));
            Ok(None)
        }
        planned => planned,
    }
}

/// Whether `plan` would do anything. Cheap, and in doubt yes.
///
/// # Errors
/// `Interrupted`; those of the server.
pub async fn may_be_asked(place: &Place<'_>, project: &Project) -> Result<bool> {
    Ok(what_may_rename(place, project).await?.is_some())
}

async fn what_may_rename(place: &Place<'_>, project: &Project) -> Result<Option<Pending>> {
    let pending = Pending::look(place, project, As::Dev).await?;
    let may = pending.failed.is_empty() && may_rename(place, project, &pending).await?;
    Ok(may.then_some(pending))
}

async fn may_rename(place: &Place<'_>, project: &Project, pending: &Pending) -> Result<bool> {
    let schema = place.url.prisma_schema();
    let of_file = |name: &String| project.migration_sql(name).is_some_and(|sql| Draft::read(&sql, schema).may_rename());
    if pending.migrations.iter().any(of_file) {
        return Ok(true);
    }
    let Ok(text) = project.schema_text() else { return Ok(false) };
    let mut connection = place.interrupt.or(connect(place.url)).await?;
    let (catalog, types) = (read_catalog(&mut connection).await?, read_shapes(&mut connection).await?);
    Ok(Declared::read(&text).may_rename(&catalog, &types))
}

async fn on_structure(
    place: &Place<'_>,
    project: &Project,
    pending: &Pending,
    backup: &Manifest,
    answers: Answers<'_>,
    scratch: &Scratch<'_>,
) -> Result<Option<Plan>> {
    let mut session = trying::session(&scratch.url()).await?;
    let (last, earlier) = match pending.migrations.split_last() {
        Some((last, earlier)) => (Some(last), earlier),
        None => (None, &[][..]),
    };
    for name in earlier {
        if !applies(&mut session, project, name).await? {
            return Ok(None);
        }
    }
    let mut draft = project.draft(scratch.name).await?;
    let mut instead_of = None;
    if let Some(last) = last {
        let sql = project.migration_sql(last).unwrap_or_default();
        if bare_statements(&sql) == bare_statements(&draft) {
            instead_of = Some(Instead::Migration(last.clone()));
        } else {
            // somebody has written in it: it is theirs
            tell_of(place, &sql, last);
            if !applies(&mut session, project, last).await? {
                return Ok(None);
            }
            draft = project.draft(scratch.name).await?;
        }
    }
    let instead_of = instead_of.unwrap_or_else(|| Instead::Draft(draft.clone()));
    let mut rounds = Rounds { place, project, backup, scratch, session, answers, agreed: Agreed::default() };
    let rest = rounds.ask_all(draft).await?;
    if rounds.agreed.is_empty() {
        return Ok(None);
    }
    if let Some(missing) = rounds.wants_values(&rest) {
        place.observer.on(Event::Note(missing));
        return Ok(None);
    }
    if !rounds.reaches_the_schema(&rest).await? {
        let what = "What was agreed on does not lead to the Prisma schema, so that Prisma drafts as ever".to_owned();
        place.observer.on(Event::Note(what));
        return Ok(None);
    }
    Ok(Some(Plan { sql: rounds.agreed.script(&rest), instead_of }))
}

async fn applies(session: &mut crate::postgres::PgConnection, project: &Project, name: &str) -> Result<bool> {
    let sql = project.migration_sql(name).unwrap_or_default();
    Ok(trying::run_script(session, &sql).await?.failure().is_none())
}

/// A file that a person has edited is never rewritten.
fn tell_of(place: &Place<'_>, sql: &str, name: &str) {
    let draft = Draft::read(sql, place.url.prisma_schema());
    if draft.may_rename() {
        place.observer.on(Event::Note(format!(
            "The pending migration {name} drops and adds, and is not as Prisma drafted it: it stays as it is. `safemigrate lint` says what to write where something was only renamed"
        )));
    }
}

/// Writes the plan into the file of a migration, once the user has seen how and said yes. `false`: the file is as it was.
///
/// # Errors
/// `Config` when it cannot be written; the answer's own.
pub fn rewrite(plan: &Plan, project: &Project, name: &str, answers: Answers<'_>) -> Result<bool> {
    let before = project.migration_sql(name);
    let change = Change::text(project.migration_file(name)?, before, Some(plan.sql.clone()), None);
    let Some(change) = change else { return Ok(true) };
    let changes = Changes { list: vec![change], notes: Vec::new() };
    let Answers::Person(ask) = answers else { return Ok(false) };
    if !ask(&Question::Rewrite(&changes))? {
        return Ok(false);
    }
    apply(&changes)?;
    Ok(true)
}

/// Whether a draft of Prisma's is the one that the plan takes the place of.
pub fn replaces(plan: &Plan, drafted: &str) -> bool {
    matches!(&plan.instead_of, Instead::Draft(planned) if bare_statements(planned) == bare_statements(drafted))
}

/// The one migration that came since `before`.
///
/// # Errors
/// `Config` when the folder cannot be read.
pub fn drafted_since(project: &Project, before: &[String]) -> Result<Option<String>> {
    let mut new = project.migrations_on_disk()?;
    new.retain(|name| !before.contains(name));
    Ok(if new.len() == 1 { new.pop() } else { None })
}

/// For messages: a migration's file as it is seen from the project.
pub fn seen(project: &Project, name: &str) -> String {
    let file = project.migration_file(name).unwrap_or_default();
    file.strip_prefix(&project.root).unwrap_or(&file).display().to_string()
}

/// For the user: Prisma drafted something else than was planned.
pub fn other_draft(name: &str) -> String {
    format!(
        "Prisma drafted {name} differently than it said before, so that it stays as it is and was not applied. Look at it, then `safemigrate dev`"
    )
}
