//! Asking, round by round: each answer is tried on the scratch database, and Prisma says what is still missing.

use super::{Answers, Question};
use crate::domain::event::Event;
use crate::domain::manifest::{Manifest, TableData};
use crate::domain::names::QualifiedName;
use crate::domain::rehearsal::BadRows;
use crate::domain::rescue::draft::Draft;
use crate::domain::rescue::{Known, Rescue, candidates, conversions};
use crate::error::Result;
use crate::operations::rollback::Scratch;
use crate::operations::workplace::Place;
use crate::postgres::PgConnection;
use crate::postgres::catalog::read_catalog;
use crate::postgres::reinsert::types::read_shapes;
use crate::postgres::session::connect;
use crate::postgres::trying::{self, CastRows, CastTrial};
use crate::prisma::Project;

/// More is no renaming any more.
const MOST: usize = 100;

/// What the user said yes to.
#[derive(Debug, Default)]
pub struct Agreed {
    list: Vec<Rescue>,
    statements: Vec<String>,
}

impl Agreed {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The migration: what was agreed on, and Prisma's own statements behind it.
    pub fn script(&self, rest: &str) -> String {
        let own = self.statements.join("\n");
        format!("-- Renamed and retyped in place, so that every value stays (safemigrate)\n{own}\n\n{rest}")
            .trim_end()
            .to_owned()
            + "\n"
    }

    /// The names that a table and its column had in the backup.
    fn names_before(&self, table: &QualifiedName, column: &str) -> (QualifiedName, String) {
        let (mut table, mut column) = (table.clone(), column.to_owned());
        for rescue in self.list.iter().rev() {
            match rescue {
                Rescue::Table { from, to, .. } if *to == table => table = from.clone(),
                Rescue::Column { table: of, from, to, .. } if *of == table && *to == column => column.clone_from(from),
                _ => {}
            }
        }
        (table, column)
    }
}

/// One session of questions over a scratch database that has the structure before the draft.
pub struct Rounds<'a> {
    pub place: &'a Place<'a>,
    pub project: &'a Project,
    pub backup: &'a Manifest,
    pub scratch: &'a Scratch<'a>,
    pub session: PgConnection,
    pub answers: Answers<'a>,
    pub agreed: Agreed,
}

impl Rounds<'_> {
    /// Asks for everything that Prisma would drop; gives what Prisma would draft after what was agreed on.
    ///
    /// # Errors
    /// `Server`, `Damaged`, `Config`; the answers' own.
    pub async fn ask_all(&mut self, mut draft: String) -> Result<String> {
        let mut declined = Vec::new();
        while declined.len() + self.agreed.list.len() < MOST {
            let found = self.next(&draft, &declined).await?;
            if found.is_empty() {
                break;
            }
            let before = self.agreed.list.len();
            for rescue in found {
                if !self.take(&rescue).await? {
                    declined.push(rescue);
                }
            }
            if self.agreed.list.len() > before {
                draft = self.project.draft(self.scratch.name).await?;
            }
        }
        Ok(draft)
    }

    async fn next(&self, draft: &str, declined: &[Rescue]) -> Result<Vec<Rescue>> {
        let default_schema = self.place.url.prisma_schema();
        let read = Draft::read(draft, default_schema);
        if !read.may_rename() {
            return Ok(Vec::new());
        }
        let mut connection = connect(&self.scratch.url()).await?;
        let (catalog, types) = (read_catalog(&mut connection).await?, read_shapes(&mut connection).await?);
        Ok(candidates(&read, Known { catalog: &catalog, types: &types, default_schema }, declined))
    }

    /// Asks, and does it where the answer is yes.
    async fn take(&mut self, rescue: &Rescue) -> Result<bool> {
        let schema = self.place.url.prisma_schema();
        let using = match rescue {
            Rescue::Type { table, column, from, to, .. } => match self.cast(table, column, from, to).await? {
                Some(using) => Some(using),
                None => return Ok(false),
            },
            _ => None,
        };
        let statements = rescue.statements(schema, using.as_deref());
        let said = match self.answers {
            _ if rescue.is_implied() && !self.agreed.is_empty() => true,
            Answers::Person(ask) => ask(&Question::Rescue(rescue))?,
            Answers::Nobody => {
                self.note(suggestion(rescue, schema, &statements));
                false
            }
        };
        if !said {
            return Ok(false);
        }
        let tried = trying::run_script(&mut self.session, &statements.join("\n")).await?;
        if let Some(failure) = tried.failure() {
            self.note(format!("That is not possible: {}", failure.message));
            return Ok(false);
        }
        self.agreed.list.push(rescue.clone());
        self.agreed.statements.extend(statements);
        Ok(true)
    }

    /// How every value gets into the new type; `None` where not every value does, which is told.
    async fn cast(&mut self, table: &QualifiedName, column: &str, from: &str, to: &str) -> Result<Option<String>> {
        let (old_table, old_column) = self.agreed.names_before(table, column);
        let Some(data) = self.backup.table(&old_table) else { return Ok(None) };
        let trial = self.try_cast(data, &old_column, &conversions(column, from, to), column, to).await?;
        match trial {
            CastTrial::Holds(expression) => Ok(Some(expression)),
            CastTrial::Fails(rows) => {
                self.note(misfits(table, column, from, to, &rows));
                Ok(None)
            }
            CastTrial::Impossible => Ok(None),
        }
    }

    async fn try_cast(
        &mut self,
        data: &TableData,
        old_column: &str,
        expressions: &[String],
        column: &str,
        to: &str,
    ) -> Result<CastTrial> {
        // the rows have the names of the backup
        let quoted = |name: &str| crate::domain::names::quote_ident(name);
        let (new, old) = (quoted(column), quoted(old_column));
        let of_backup: Vec<String> = expressions.iter().map(|e| e.replace(&new, &old)).collect();
        let mut rows = CastRows::begin(&mut self.session, &data.table, old_column).await?;
        for segment in &data.segments {
            rows.take(self.place.store.object(&segment.object)?).await?;
        }
        let trial = rows.try_all(&of_backup, to).await?;
        Ok(match trial {
            CastTrial::Holds(expression) => {
                let at = of_backup.iter().position(|e| *e == expression).unwrap_or_default();
                CastTrial::Holds(expressions[at].clone())
            }
            other => other,
        })
    }

    /// What rows without a value would make fail: the rest wants one in each. `None` where nothing is in the way.
    pub fn wants_values(&self, rest: &str) -> Option<String> {
        let required = Draft::read(rest, self.place.url.prisma_schema()).required;
        let empty = required.iter().filter_map(|(table, column)| {
            let (old_table, old_column) = self.agreed.names_before(table, column);
            let data = self.backup.table(&old_table)?;
            let at = data.table.data_columns().position(|c| c.name == old_column)?;
            let rows = data.stats.rows.saturating_sub(data.stats.columns.get(at)?.non_null);
            (rows > 0).then(|| {
                format!(
                    "{}.{column} becomes required, and {rows} of {} rows have no value in it",
                    table.name, data.stats.rows
                )
            })
        });
        let empty: Vec<String> = empty.collect();
        (!empty.is_empty()).then(|| {
            let empty = empty.join("; ");
            format!("{empty}. Nothing was renamed: make it optional in the schema, or give these rows a value, then `safemigrate dev` again")
        })
    }

    /// Whether nothing is left to draft once the rest is applied, too.
    ///
    /// # Errors
    /// `Server`, `Config`.
    pub async fn reaches_the_schema(&mut self, rest: &str) -> Result<bool> {
        let tried = trying::run_script(&mut self.session, rest).await?;
        // without rows nothing can be in the way but the SQL itself
        if tried.failure().is_some() {
            return Ok(false);
        }
        Ok(self.project.draft(self.scratch.name).await?.is_empty())
    }

    fn note(&self, text: String) {
        self.place.observer.on(Event::Note(text));
    }
}

fn suggestion(rescue: &Rescue, schema: &str, statements: &[String]) -> String {
    format!(
        "{}: {}. If so, draft it with `safemigrate dev --create-only`, write this instead, then `safemigrate dev`:\n{}",
        rescue.question(schema).trim_end_matches('?'),
        rescue.otherwise(schema),
        statements.join("\n")
    )
}

fn misfits(table: &QualifiedName, column: &str, from: &str, to: &str, rows: &BadRows) -> String {
    let examples: Vec<String> = rows
        .examples
        .iter()
        .map(|row| format!("{:?} ({}{})", row.value.as_deref().unwrap_or("NULL"), row.key, more(row.rows)))
        .collect();
    format!(
        "{}.{column} goes from {from} to {to}, and {} of {} values do not fit: {}. Prisma drops the column with all its values",
        table.name,
        rows.count,
        rows.of,
        examples.join(", ")
    )
}

fn more(rows: u64) -> String {
    if rows > 1 { format!(" and {} more", rows - 1) } else { String::new() }
}
