//! The questions of rename rescue.

use crate::domain::prisma_schema::Declared;
use crate::domain::rescue::Rescue;
use crate::error::{ErrorKind, Result};
use crate::operations::rescue::Question;
use crate::operations::target::Target;
use crate::ui::{Ui, diff};

/// Asks a person. `-y` says yes to nothing here: which of two columns is meant, only a person knows.
///
/// # Errors
/// `Interrupted`: nothing was changed.
pub fn ask(question: &Question<'_>, target: &Target, ui: &Ui) -> Result<bool> {
    match question {
        Question::Rescue(rescue) => {
            let schema = target.url.prisma_schema();
            let (yes, no) = answers(rescue, schema);
            let chosen = ui.choose(&asked(rescue, target, schema), &[&yes, &no])?;
            Ok(chosen == 0)
        }
        Question::Rewrite(changes) => {
            let folder = target.project.as_ref().map(|project| project.root.clone()).unwrap_or_default();
            ui.say(&diff(changes, &folder, ui.style()));
            let stay = "No: the draft stays as Prisma wrote it, and nothing is applied";
            match ui.choose("Write it so?", &["Yes", stay]) {
                // the draft is there already
                Err(error) if error.kind == ErrorKind::Interrupted => Ok(false),
                chosen => Ok(chosen? == 0),
            }
        }
    }
}

/// With the name that it has in the Prisma schema, where that is another one.
fn asked(rescue: &Rescue, target: &Target, schema: &str) -> String {
    let text = target.project.as_ref().and_then(|project| project.schema_text().ok());
    let declared = text.zip(rescue.becomes());
    let name = declared.and_then(|(text, (table, column))| Declared::read(&text).name_of(&table.name, column));
    let question = rescue.question(schema);
    name.map_or_else(|| question.clone(), |name| format!("{question} (now the {name})"))
}

fn answers(rescue: &Rescue, schema: &str) -> (String, String) {
    let yes = match rescue {
        Rescue::Type { .. } => "Yes: convert the values in place",
        _ => "Yes: rename it, every value stays",
    };
    (yes.to_owned(), format!("No: {}", rescue.otherwise(schema)))
}
