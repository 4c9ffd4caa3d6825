//! What a database is taken for, and whether a command may touch it.

use super::ids;
use crate::domain::changes::{Change, Changes};
use crate::domain::guard::{
    Action, Address, Claim, Demand, ENVIRONMENT_VARIABLES, Evidence, Facts, Identity, MarkFact, Signal, Surroundings,
    Typist, Variable, Verdict, demand, gather, registry, verdict, wants_a_person,
};
use crate::domain::names::shell_option;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::postgres::databases::maintenance;
use crate::postgres::mark::{Mark, read_mark, remove_mark, set_mark};
use crate::postgres::session;
use crate::postgres::surroundings::{identity, surroundings, system};
use crate::postgres::url::DatabaseUrl;
use crate::postgres::waiting::naming;
use crate::prisma::{Project, Settings, UrlSource, dotenv, files, production_files};
use crate::store::claims;
use serde::Serialize;
use std::path::Path;

/// The verdict over a database and what led to it, strongest first. Serializes as `guard status` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    pub verdict: Verdict,
    pub evidence: Vec<Evidence>,
    /// What a confirmation must repeat.
    #[serde(serialize_with = "as_text")]
    pub identity: Identity,
    /// The host in the URL, in one form for all ways to write it.
    #[serde(skip)]
    host: String,
    /// What types commands here instead of a person.
    #[serde(skip)]
    typist: Option<Typist>,
}

fn as_text<S: serde::Serializer>(identity: &Identity, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(identity)
}

/// Looks at everything that can tell what a database is: what its server says, the mark in it, its address and name,
/// `safemigrate.toml`, the environment (asked through `env`), the project's files, and what was said at this machine.
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
    let seen = ask(url).await?;
    let typist = Typist::of(&env);
    let identity = seen.identity.clone();
    let facts = facts(url, source, project, settings, env, seen);
    let evidence = gather(&facts);
    Ok(Assessment { verdict: verdict(&evidence), evidence, identity, host: facts.address.host, typist })
}

/// What the server says.
struct Seen {
    identity: Identity,
    mark: Option<Mark>,
    surroundings: Surroundings,
}

/// A database that does not exist has no mark, but a server.
async fn ask(url: &DatabaseUrl) -> Result<Seen> {
    let mut connection = match session::connect(url).await {
        Err(error) if error.kind == ErrorKind::NoDatabase => {
            let system = match maintenance(url).await? {
                Some(mut connection) => system(&mut connection).await?,
                None => None,
            };
            let identity = Identity { system, database: url.database.clone(), oid: None };
            return Ok(Seen { identity, mark: None, surroundings: Surroundings::default() });
        }
        connection => connection?,
    };
    Ok(Seen {
        identity: identity(&mut connection).await?,
        mark: read_mark(&mut connection).await?,
        surroundings: surroundings(&mut connection).await?,
    })
}

fn facts(
    url: &DatabaseUrl,
    source: &UrlSource,
    project: Option<&Project>,
    settings: &Settings,
    env: impl Fn(&str) -> Option<String>,
    seen: Seen,
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
        mark: seen.mark.map(|mark| MarkFact { here: mark.matches_here, database: mark.database }),
        registered: settings.guard.registered.clone(),
        surroundings: seen.surroundings,
        claims: claims::claims(),
        identity: Some(seen.identity),
    }
}

/// Remembers a person's word that this database is for development; tells why it could not be remembered.
///
/// # Errors
/// `Store`.
pub fn claim(assessment: &Assessment) -> Result<()> {
    if assessment.verdict != Verdict::Unknown || assessment.identity.system.is_none() {
        return Ok(());
    }
    let (identity, host) = (assessment.identity.clone(), assessment.host.clone());
    claims::remember(Claim::despite(identity, host, &assessment.evidence, ids::now()))
}

/// Marks the database as production: in itself, and in `safemigrate.toml` (`file`, where there is a project) by what its
/// server says of itself. Either is enough to protect it.
///
/// # Errors
/// Those of connecting; `Server` when the role does not own the database and there is no file to register it in; those of
/// writing the file.
pub async fn mark(url: &DatabaseUrl, file: Option<&Path>) -> Result<Vec<String>> {
    let mut connection = session::connect(url).await?;
    let identity = identity(&mut connection).await?;
    let registering = file.map(|file| registered(file, &identity)).transpose()?;
    let marked = naming(url, set_mark(&mut connection)).await;
    let (Some(file), Some(registering)) = (file, registering) else {
        marked?;
        return Ok(vec!["There is no project here: it is registered in no safemigrate.toml".into()]);
    };
    files::apply(&registering).map_err(|error| half_done(error, marked.is_ok(), "The mark in the database is set"))?;
    let mut notes = vec![format!("Registered as {identity} in {}: commit it", file.display())];
    if let Err(error) = marked {
        notes.push(format!("The mark in the database itself could not be set: {}", error.promising_nothing().message));
    }
    Ok(notes)
}

/// Takes the mark away, and the entry in `safemigrate.toml`.
///
/// # Errors
/// As `mark`.
pub async fn unmark(url: &DatabaseUrl, file: Option<&Path>) -> Result<()> {
    let mut connection = session::connect(url).await?;
    let identity = identity(&mut connection).await?;
    let leaving = file.map(|file| unregistered(file, &identity)).transpose()?.unwrap_or_default();
    let was_marked = naming(url, remove_mark(&mut connection)).await?;
    files::apply(&leaving).map_err(|error| half_done(error, was_marked, "The mark in the database is gone"))
}

/// What was done before the file could not be written.
fn half_done(error: Error, done: bool, what: &str) -> Error {
    if !done {
        return error;
    }
    let error = error.promising_nothing();
    Error::new(error.kind, format!("{what}, but safemigrate.toml is as it was: {}", error.message)).hint("Do it again.")
}

/// The file with this database in it.
fn registered(file: &Path, identity: &Identity) -> Result<Changes> {
    let (before, settings) = read(file)?;
    let text = registry::add(before.as_deref().unwrap_or_default(), &settings.guard.registered, identity);
    let holds = Settings::of(&text).is_some_and(|now| registry::find(&now.guard.registered, identity).is_some());
    let entry = registry::add("", &[], identity);
    changed(file, before, text, holds, &format!("Add it yourself: {}", entry.trim_end().replace('\n', ", ")))
}

/// The file without this database.
fn unregistered(file: &Path, identity: &Identity) -> Result<Changes> {
    let (before, _) = read(file)?;
    let one = |entry: &str| Settings::of(entry)?.guard.registered.into_iter().next();
    let text = registry::remove(before.as_deref().unwrap_or_default(), identity, one);
    let holds = Settings::of(&text).is_some_and(|now| registry::find(&now.guard.registered, identity).is_none());
    changed(file, before, text, holds, &format!("Take the entry of {identity} out yourself."))
}

fn read(file: &Path) -> Result<(Option<String>, Settings)> {
    let unreadable = || format!("{} cannot be read. Nothing was changed", file.display());
    let text = files::text(file).context(ErrorKind::Config, unreadable)?;
    let settings = text.as_deref().and_then(Settings::of).unwrap_or_default();
    Ok((text, settings))
}

/// `holds`: the new text says what it should. A file may be written in a way that it cannot be added to as text.
fn changed(file: &Path, before: Option<String>, text: String, holds: bool, by_hand: &str) -> Result<Changes> {
    if !holds {
        let message = format!("{} is written in a way that only you can change. Nothing was changed", file.display());
        return Err(Error::new(ErrorKind::Config, message).hint(by_hand));
    }
    let after = (!text.trim().is_empty()).then_some(text);
    Ok(Changes { list: Change::text(file.to_owned(), before, after, None).into_iter().collect(), notes: Vec::new() })
}

impl Assessment {
    /// What it takes to do this to the database.
    pub fn demand(&self, action: Action) -> Demand {
        let said_by_a_person =
            self.evidence.iter().any(|e| matches!(e.signal, Signal::Claimed | Signal::ConfigDevelopment));
        match demand(action, self.verdict) {
            Demand::Nothing if self.typist.is_some() && wants_a_person(action) && !said_by_a_person => Demand::Name,
            demand => demand,
        }
    }

    /// The name that has to be typed before this may go on, where typing it helps.
    pub fn name_to_type(&self, action: Action) -> Option<&str> {
        (self.demand(action) == Demand::Name).then_some(self.identity.database.as_str())
    }

    /// One line a sign, as it stands in messages.
    pub fn reasons(&self) -> Vec<String> {
        let speaking = self.evidence.iter().filter(|e| e.says != Verdict::Development || self.verdict == e.says);
        speaking.map(|e| format!("{}: {}", e.says.name(), e.detail)).collect()
    }
}

/// Lets an action pass or says why not. `confirmed` is `NAME@IDENTITY` as it was typed (`--confirm`), or as the database
/// has it where a person typed its name at a prompt (ask first where `name_to_type` says so).
///
/// # Errors
/// `Production` where nothing helps, `Confirmation` where the name is missing or another. Nothing was changed.
pub fn allow(assessment: &Assessment, action: Action, confirmed: Option<&str>) -> Result<()> {
    let Assessment { identity, verdict, .. } = assessment;
    let database = &identity.database;
    let command = action.name();
    match (assessment.demand(action), confirmed) {
        (Demand::Nothing, _) => Ok(()),
        (Demand::Name, Some(name)) if name == identity.to_string() => Ok(()),
        (Demand::Name, given) => {
            let taken_for = match (verdict, given) {
                (_, Some(given)) => format!("{given:?} is not {identity}, by which its server knows the database"),
                (Verdict::Production, None) => format!("{database} is production: `{command}` wants its name typed"),
                (Verdict::Unknown, None) => {
                    format!("{database} is not provably a development database: `{command}` wants its name typed")
                }
                (Verdict::Development, None) => {
                    format!(
                        "{database} may well be a development database, but no person has said so: `{command}` wants its name typed"
                    )
                }
            };
            let error = Error::new(ErrorKind::Confirmation, format!("{taken_for}. Nothing was changed"));
            let error = error.hint(to_a_program(assessment));
            let error = reasons(
                error.hint(format!(
                    "A person may confirm it: safemigrate {command} … {}",
                    shell_option("--confirm", &identity.to_string())
                )),
                assessment,
            );
            Err(match verdict {
                Verdict::Production => error,
                _ => error.hint("If it is one for development: say so once at a terminal, by typing its name, or list its host under [guard] development of safemigrate.toml."),
            })
        }
        (Demand::Refused, _) => {
            let message = format!("{database} is taken for production: `{command}` is refused. Nothing was changed");
            let error = Error::new(ErrorKind::Production, message).hint(to_a_program(assessment));
            let error = reasons(error, assessment);
            Err(error.hint("On production migrations are applied by `safemigrate deploy`. Is it the wrong database? Check where the URL comes from."))
        }
    }
}

/// For whoever reads this without being a person.
fn to_a_program(assessment: &Assessment) -> String {
    match assessment.typist {
        Some(Typist::Pipeline(variable)) => format!(
            "This seems to be CI ({variable} is set), where nobody can be asked. Is it a database that is made for each run? Then list its host under [guard] development of safemigrate.toml and commit that."
        ),
        Some(Typist::Agent(variable)) => format!(
            "You seem to be an agent ({variable} is set): do not look for another way. Whose data this is, a person has to decide: show them this message."
        ),
        None => "A script or an agent cannot decide this: a person has to, who knows whose data it is.".into(),
    }
}

fn reasons(error: Error, assessment: &Assessment) -> Error {
    assessment.reasons().into_iter().fold(error, Error::hint)
}
