//! The command itself, attached to the terminal; where something was renamed, in two steps around our own.

use crate::domain::event::{Event, Observer};
use crate::domain::rescue::{Instead, Plan};
use crate::error::Result;
use crate::operations::rescue::{Answers, drafted_since, other_draft, replaces, rewrite, seen};
use crate::prisma::{Attach, ChildCommand, Project, run_attached};

const CREATE_ONLY: &str = "--create-only";
/// What Prisma ends with when one of its own questions is answered with no.
const CANCELLED: i32 = 130;

/// The command that is guarded.
pub(super) struct Work<'a> {
    pub child: &'a ChildCommand,
    pub attach: Attach,
}

impl Work<'_> {
    /// Runs it to its end; gives its exit code.
    ///
    /// # Errors
    /// `Tool` where it cannot be started.
    pub async fn run(&self) -> Result<i32> {
        Ok(run_attached(self.child, self.attach).await?.code)
    }

    /// `prisma migrate dev` with a migration that keeps what was renamed: Prisma drafts it (`--create-only`), it is rewritten,
    /// Prisma applies it. Where it is not as planned, or cannot be written, or the user does not want it, the draft stays and
    /// is not applied. From Prisma's start on the run goes on to its proof, whatever happens here: drafting applies what was
    /// pending before.
    ///
    /// # Errors
    /// `Tool` where Prisma cannot be started; `Config` when the migrations folder cannot be read before.
    pub async fn run_rescued(
        &self,
        project: &Project,
        plan: &Plan,
        answers: Option<Answers<'_>>,
        observer: &dyn Observer,
    ) -> Result<i32> {
        let answers = answers.unwrap_or(Answers::Nobody);
        let (name, only_create) = match &plan.instead_of {
            Instead::Migration(name) => (name.clone(), false),
            Instead::Draft(_) => {
                let before = project.migrations_on_disk()?;
                let note = "Prisma drafts the migration now, and may warn of what it would drop: say yes, nothing is applied yet";
                observer.on(Event::Note(note.to_owned()));
                let code = run_attached(&self.child.with(CREATE_ONLY), self.attach).await?.code;
                let drafted = drafted_since(project, &before).unwrap_or_default().filter(|_| code == 0);
                let Some(name) = drafted else { return Ok(code) };
                if !replaces(plan, &project.migration_sql(&name).unwrap_or_default()) {
                    observer.on(Event::Note(other_draft(&name)));
                    return Ok(CANCELLED);
                }
                (name, self.child.has(CREATE_ONLY))
            }
        };
        let rewritten = rewrite(plan, project, &name, answers);
        if !matches!(rewritten, Ok(true)) {
            let why = rewritten.err().map(|error| format!(" ({error})")).unwrap_or_default();
            observer.on(Event::Note(format!(
                "{name} stays as Prisma drafted it, and was not applied{why}: change it, then `safemigrate dev`"
            )));
            return Ok(CANCELLED);
        }
        observer.on(Event::Note(format!("Rewritten: {}", seen(project, &name))));
        if only_create { Ok(0) } else { Ok(run_attached(&self.child.without(CREATE_ONLY), self.attach).await?.code) }
    }
}
