//! What a database is taken for, and whether a command may touch it.

use crate::domain::guard::{
    Action, Address, Demand, ENVIRONMENT_VARIABLES, Evidence, Facts, MarkFact, Variable, Verdict, demand, gather,
    verdict,
};
use crate::domain::names::shell_option;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::mark::{Mark, read_mark, remove_mark, set_mark};
use crate::postgres::session;
use crate::postgres::url::DatabaseUrl;
use crate::postgres::waiting::naming;
use crate::prisma::{Project, Settings, UrlSource, dotenv, production_files};
use serde::Serialize;

/// The verdict over a database and what led to it, strongest first. Serializes as `guard status` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    pub verdict: Verdict,
    pub evidence: Vec<Evidence>,
    /// The name that a confirmation must repeat.
    #[serde(skip)]
    pub database: String,
}

/// Looks at everything that can tell what a database is: its address and name, `safemigrate.toml`, the environment
/// (asked through `env`), the project's files, and the mark in the database. A database that does not exist has no mark.
///
/// # Errors
/// What the server says when it does not let us in: a database that cannot be asked is not judged.
pub async fn assess(
    url: &DatabaseUrl,
    source: &UrlSource,
    project: Option<&Project>,
    settings: &Settings,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Assessment> {
    let mark = ask_for_mark(url).await?;
    let evidence = gather(&facts(url, source, project, settings, env, mark));
    Ok(Assessment { verdict: verdict(&evidence), evidence, database: url.database.clone() })
}

fn facts(
    url: &DatabaseUrl,
    source: &UrlSource,
    project: Option<&Project>,
    settings: &Settings,
    env: impl Fn(&str) -> Option<String>,
    mark: Option<Mark>,
) -> Facts {
    let set = ENVIRONMENT_VARIABLES.iter().filter_map(|name| {
        Some(Variable { name: (*name).to_owned(), value: env(name)?, from: "the environment".into() })
    });
    let mut variables: Vec<Variable> = set.collect();
    if let Some(file) = source.env_file() {
        let inside = dotenv::read(file);
        let from = file.display().to_string();
        variables.extend(ENVIRONMENT_VARIABLES.iter().filter_map(|name| {
            Some(Variable { name: (*name).to_owned(), value: inside.get(*name)?.clone(), from: from.clone() })
        }));
    }
    let listed = project.map(production_files::listed).unwrap_or_default();
    Facts {
        address: Address::new(&url.host.to_string(), url.port, &url.database, &url.user),
        host: url.host.to_string(),
        database: url.database.clone(),
        production_patterns: settings.guard.production.clone(),
        development_patterns: settings.guard.development.clone(),
        variables,
        production_files: listed.into_iter().map(|l| (l.file.display().to_string(), l.variable, l.address)).collect(),
        mark: mark.map(|mark| MarkFact { here: mark.matches_here, database: mark.database }),
    }
}

/// Marks the database as production.
///
/// # Errors
/// Those of connecting; `Server` when the role does not own the database.
pub async fn mark(url: &DatabaseUrl) -> Result<()> {
    naming(url, async { set_mark(&mut session::connect(url).await?).await.map(drop) }).await
}

/// Takes the mark away.
///
/// # Errors
/// As `mark`.
pub async fn unmark(url: &DatabaseUrl) -> Result<()> {
    naming(url, async { remove_mark(&mut session::connect(url).await?).await.map(drop) }).await
}

async fn ask_for_mark(url: &DatabaseUrl) -> Result<Option<Mark>> {
    let mut connection = match session::connect(url).await {
        Err(error) if error.kind == ErrorKind::NoDatabase => return Ok(None),
        connection => connection?,
    };
    read_mark(&mut connection).await
}

impl Assessment {
    /// The name that has to be typed before this may go on, where typing it helps.
    pub fn name_to_type(&self, action: Action) -> Option<&str> {
        (demand(action, self.verdict) == Demand::Name).then_some(self.database.as_str())
    }

    /// One line a sign, as it stands in messages.
    pub fn reasons(&self) -> Vec<String> {
        let speaking = self.evidence.iter().filter(|e| e.says != Verdict::Development || self.verdict == e.says);
        speaking.map(|e| format!("{}: {}", e.says.name(), e.detail)).collect()
    }
}

/// Lets an action pass or says why not. `confirmed` is the database's name as typed (`--confirm NAME`, or at a prompt:
/// ask first where `name_to_type` says so).
///
/// # Errors
/// `Production` where nothing helps, `Confirmation` where the name is missing or another. Nothing was changed.
pub fn allow(assessment: &Assessment, action: Action, confirmed: Option<&str>) -> Result<()> {
    let Assessment { database, verdict, .. } = assessment;
    let taken_for = match verdict {
        Verdict::Production => "production",
        Verdict::Unknown => "not provably a development database",
        Verdict::Development => "development",
    };
    let command = action.name();
    match (demand(action, *verdict), confirmed) {
        (Demand::Nothing, _) => Ok(()),
        (Demand::Name, Some(name)) if name == database => Ok(()),
        (Demand::Name, Some(name)) => {
            let message = format!("{name:?} is not the name of the database ({database}). Nothing was changed");
            Err(Error::new(ErrorKind::Confirmation, message))
        }
        (Demand::Name, None) => {
            let message = format!("{database} is {taken_for}: `{command}` wants its name typed. Nothing was changed");
            let error = Error::new(ErrorKind::Confirmation, message)
                .hint(format!("Confirm it: {}", shell_option("--confirm", database)));
            let error = reasons(error, assessment);
            Err(match verdict {
                Verdict::Unknown => error
                    .hint("If it is one for development: list its host under [guard] development of safemigrate.toml."),
                _ => error,
            })
        }
        (Demand::Refused, _) => {
            let message = format!("{database} is taken for production: `{command}` is refused. Nothing was changed");
            let error = reasons(Error::new(ErrorKind::Production, message), assessment);
            Err(error.hint("On production migrations are applied by `prisma migrate deploy`. Is it the wrong database? Check where the URL comes from."))
        }
    }
}

fn reasons(error: Error, assessment: &Assessment) -> Error {
    assessment.reasons().into_iter().fold(error, Error::hint)
}
