//! Putting a schedule up and taking it down: a plan that is shown, and then done.

use crate::domain::changes::{Change, Changes};
use crate::domain::manifest::Kinds;
use crate::domain::schedule::crontab::{self as table, Command, Entry};
use crate::domain::schedule::{Every, Runner, Schedule, units};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::operations::ids;
use crate::operations::target::Target;
use crate::prisma::UrlSource;
use crate::prisma::files::{apply, text};
use crate::scheduler::{Rehearsed, crontab, rehearse, systemd};
use crate::store::Store;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Programs that a backup may need. The folder of a `pg_dump` stays whichever it is: the version decides later.
const PROGRAMS: [&str; 4] = ["node", "bun", "yarn", "git"];
/// What is no secret and without which servers or tools may not be found.
const CARRIED: [&str; 4] = ["SAFEMIGRATE_PG_BIN", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"];

/// What the user wants.
pub struct Wish {
    pub runner: Runner,
    pub every: Every,
    pub kind: Kinds,
    /// `--schema` and `--config`, absolute.
    pub flags: Vec<(&'static str, PathBuf)>,
}

/// What is to be done. Dropped without `carry_out`, nothing was.
pub struct Plan {
    /// As it is shown.
    pub changes: Changes,
    schedule: Option<Schedule>,
    crontab: Option<Option<Vec<u8>>>,
    units: Changes,
    /// The timer that is to run, or to go.
    timer: Option<String>,
    store: Store,
    _turn: crontab::Held,
}

/// What stands where cron or systemd reads it.
pub struct Installed {
    /// The line in the crontab, or the command in the unit.
    pub line: String,
    pub program_is_there: bool,
}

/// Where everything of a user's is.
struct Home {
    folder: PathBuf,
    user: String,
}

impl Home {
    fn find() -> Result<Self> {
        let folder = env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let folder = folder.ok_or_else(|| Error::new(ErrorKind::Other, "HOME is not set. Nothing was changed"))?;
        let name = |variable| env::var(variable).ok().filter(|name| !name.is_empty());
        Ok(Self { folder, user: name("LOGNAME").or_else(|| name("USER")).unwrap_or_else(|| "root".into()) })
    }
}

/// Plans the schedule, after one rehearsal of exactly what cron will run.
///
/// # Errors
/// `Config` where the database is known to this shell only; `Tool` where there is no cron (or systemd); what the rehearsal
/// said.
pub fn plan(target: &Target, wish: &Wish) -> Result<Plan> {
    let project = target.prisma_project().map_err(only_on_the_command_line)?;
    refuse_command_line(target)?;
    let home = Home::find()?;
    if wish.runner == Runner::Systemd {
        systemd::is_there()?;
    }
    let store = written(&whole(target.place.store.root()))?;
    let root = written(&whole(&project.root))?;
    let command = command(&home, &root, &store, wish)?;
    rehearsal(target, &command, &home)?;
    let spread = spread(&store);
    let since = ids::now();
    let schedule = Schedule { runner: wish.runner, every: wish.every, kind: wish.kind, since };
    let (entry, texts) = match wish.runner {
        Runner::Cron => {
            let entry = Entry::new(&store, &wish.every.cron(spread), &command);
            let refused = |e: table::Unwritable| Error::new(ErrorKind::Config, format!("{e}. Nothing was changed"));
            (Some(entry.map_err(refused)?), Vec::new())
        }
        Runner::Systemd => {
            let name = units::unit_name(&store, spread);
            let timer = units::timer(&store, &wish.every.calendar(spread));
            let service = units::service(&store, &command);
            (None, vec![(format!("{name}.service"), service), (format!("{name}.timer"), timer)])
        }
    };
    change(&target.place.store, &home, Some(New { schedule, entry, units: texts }))
}

/// Plans to take it down, wherever it is.
///
/// # Errors
/// Those of reading the crontab.
pub fn plan_removal(store: &Store) -> Result<Plan> {
    let home = Home::find()?;
    change(store, &home, None)
}

/// What is installed for this store, as cron or systemd has it; `None` where they know nothing of it.
///
/// # Errors
/// Those of reading the crontab.
pub fn installed(store: &Store, schedule: &Schedule) -> Result<Option<Installed>> {
    let path = written(&whole(store.root()))?;
    let line = match schedule.runner {
        Runner::Cron => crontab::read()?.and_then(|crontab| table::line_of(&crontab, &path)),
        Runner::Systemd => unit_files(&Home::find()?.folder, &path).iter().find_map(|file| {
            let text = text(file).ok().flatten()?;
            text.lines().find_map(|line| line.strip_prefix("ExecStart=")).map(str::to_owned)
        }),
    };
    let program = env::current_exe().ok().and_then(|program| program.to_str().map(str::to_owned));
    Ok(line.map(|line| {
        // the usual case without taking the line apart: it is this program
        let ours = program.is_some_and(|program| line.contains(&program));
        let first = line.split_whitespace().find(|word| word.starts_with('/') && word.ends_with("/safemigrate"));
        Installed { program_is_there: ours || first.is_none_or(|word| Path::new(word).exists()), line }
    }))
}

/// What is to stand there instead of what stands there now.
struct New {
    schedule: Schedule,
    entry: Option<Entry>,
    /// Files of units and what is in them.
    units: Vec<(String, String)>,
}

/// The plan that leads there from whatever is there; without `new` to nothing.
fn change(store: &Store, home: &Home, new: Option<New>) -> Result<Plan> {
    let turn = crontab::hold(&home.folder)?;
    let path = written(&whole(store.root()))?;
    let entry = new.as_ref().and_then(|new| new.entry.as_ref());
    let before = match crontab::read() {
        // without cron there is nothing of ours in it
        Err(e) if e.kind == ErrorKind::Tool && entry.is_none() => None,
        read => read?,
    };
    let old = before.as_deref().unwrap_or_default();
    let after = match entry {
        Some(entry) => Some(entry.written_into(old)),
        None => table::without(old, &path),
    };
    let crontab = after.map(|text| Some(text).filter(|text| !text.is_empty())).filter(|after| *after != before);
    let mut changes = Changes::default();
    if let Some(after) = &crontab {
        let shown = |text: &Option<Vec<u8>>| text.as_ref().map(|text| String::from_utf8_lossy(text).into_owned());
        let (path, before, after) = (format!("crontab of {}", home.user).into(), shown(&before), shown(after));
        changes.list.push(Change::Text { path, before, after, mode: None });
    }
    let (units, timer) = unit_changes(home, &path, new.as_ref().map_or(&[], |new| new.units.as_slice()))?;
    let schedule = new.map(|new| new.schedule);
    Ok(Plan { changes: changes.and(units.clone()), schedule, crontab, units, timer, store: store.clone(), _turn: turn })
}

/// What becomes of the files of units, and the timer's name where there is or will be one.
fn unit_changes(home: &Home, store: &str, wanted: &[(String, String)]) -> Result<(Changes, Option<String>)> {
    let folder = systemd::folder(&home.folder);
    let mut files: Vec<PathBuf> = unit_files(&home.folder, store);
    files.extend(wanted.iter().map(|(name, _)| folder.join(name)));
    files.sort();
    files.dedup();
    let mut list = Vec::new();
    for file in &files {
        let before = text(file).context(ErrorKind::Other, || format!("{} cannot be read", file.display()))?;
        let after =
            wanted.iter().find(|(name, _)| file.file_name() == Some(OsStr::new(name))).map(|(_, text)| text.clone());
        list.extend(Change::text(file.clone(), before, after, None));
    }
    let names = files.iter().filter_map(|file| file.file_name()?.to_str());
    let timer = names.filter(|name| name.ends_with(".timer")).map(str::to_owned).next();
    Ok((Changes { list, notes: Vec::new() }, timer))
}

/// Our units for this store.
fn unit_files(home: &Path, store: &str) -> Vec<PathBuf> {
    let suffix = format!("-{:08x}.", spread(store));
    let entries = systemd::folder(home).read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let is_ours = |name: &str| name.starts_with("safemigrate-") && name.contains(&suffix);
    entries.filter(|path| path.file_name().and_then(OsStr::to_str).is_some_and(is_ours)).collect()
}

impl Plan {
    /// Whether all is as it should be already.
    pub fn is_done(&self) -> bool {
        self.changes.is_empty() && self.agrees()
    }

    /// Whether the store says the same of its schedule.
    fn agrees(&self) -> bool {
        let known = self.store.schedule().ok().and_then(|record| record.schedule);
        match (&known, &self.schedule) {
            (Some(old), Some(new)) => (old.runner, old.every, old.kind) == (new.runner, new.every, new.kind),
            (None, None) => true,
            _ => false,
        }
    }

    /// Does what the plan says.
    ///
    /// # Errors
    /// `Store`, `Other`; what is done already is taken back.
    pub fn carry_out(&self) -> Result<()> {
        match &self.schedule {
            Some(schedule) => {
                let before = self.store.schedule().ok().and_then(|record| record.schedule);
                self.store.prepare()?;
                // first: a schedule that is known and does not run is noticed, the other way round nobody would look
                self.store.write_schedule(schedule)?;
                self.change_everything().inspect_err(|_| {
                    let _ = match &before {
                        Some(before) => self.store.write_schedule(before),
                        None => self.store.remove_schedule().map(drop),
                    };
                })
            }
            None => {
                self.change_everything()?;
                self.store.remove_schedule().map(drop)
            }
        }
    }

    fn change_everything(&self) -> Result<()> {
        let by_systemd = self.schedule.as_ref().is_some_and(|new| new.runner == Runner::Systemd);
        let timer = self.timer.as_deref().filter(|_| !self.units.is_empty());
        if let Some(timer) = timer.filter(|_| !by_systemd) {
            systemd::disable(timer)?;
        }
        apply(&self.units)?;
        match timer {
            Some(timer) if by_systemd => systemd::enable(timer)?,
            Some(_) => systemd::reload()?,
            None => {}
        }
        self.crontab.as_ref().map_or(Ok(()), |crontab| crontab::write(crontab.as_deref()))
    }
}

/// What a schedule cannot be made of.
fn refuse_command_line(target: &Target) -> Result<()> {
    match target.source() {
        UrlSource::Flag => Err(only_on_the_command_line(Error::new(ErrorKind::Config, ""))),
        _ => Ok(()),
    }
}

fn only_on_the_command_line(error: Error) -> Error {
    if !matches!(error.kind, ErrorKind::NoProject | ErrorKind::Config) {
        return error;
    }
    let message = "The database is given by --url (or SAFEMIGRATE_URL) only, and no password goes into a crontab: \
                   this cannot be scheduled. Nothing was changed";
    Error::new(ErrorKind::Config, message)
        .hint("Put the URL into .env of a Prisma project (DATABASE_URL=…), and type it again there without --url.")
}

/// Runs the command as cron would, without the backup, and sees that it finds the same database.
fn rehearsal(target: &Target, command: &Command, home: &Home) -> Result<()> {
    let line = format!("{} --dry-run --json", command.shell());
    let here = target.url.to_string();
    let variable = match target.source() {
        UrlSource::Environment { name } => Some(name.clone()),
        _ => None,
    };
    match rehearse(&line, &home.folder, &home.user)? {
        Rehearsed::Ready(said) if said["database"] == here.as_str() => Ok(()),
        Rehearsed::Ready(said) => {
            let there = said["database"].as_str().unwrap_or("another database");
            let message =
                format!("This shell leads to {here}, and without it cron would back up {there}. Nothing was changed");
            let what = variable.map_or("what it sets".to_owned(), |name| name + " in it");
            Err(Error::new(ErrorKind::Config, message)
                .hint(format!("Put the right URL into .env, or open a shell without {what}, then try again.")))
        }
        Rehearsed::Refused { message, .. } if variable.is_some() => {
            let name = variable.unwrap_or_default();
            let error = Error::new(
                ErrorKind::Config,
                format!(
                    "{name} is set in this shell only, and cron has nothing of it: this cannot be scheduled. Nothing was changed"
                ),
            );
            Err(error
                .hint(format!("Write it into .env beside package.json, then try again: {name}=\"postgresql://…\""))
                .because(message))
        }
        Rehearsed::Refused { code, message, hints } => {
            let kind = if code == 12 { ErrorKind::Tool } else { ErrorKind::Config };
            let what = "It was tried as cron would run it, with nothing of this shell, and failed. Nothing was changed";
            let error = Error::new(kind, what).because(message);
            let error = hints.into_iter().fold(error, Error::hint);
            Err(error.hint("What your shell sets (PATH, variables) cron does not have: write it into .env."))
        }
    }
}

fn command(home: &Home, root: &str, store: &str, wish: &Wish) -> Result<Command> {
    let program = env::current_exe().context(ErrorKind::Other, || "Where this program is, is not known".into())?;
    let mut arguments = vec!["--project".to_owned(), root.to_owned(), "--store".to_owned(), store.to_owned()];
    for (flag, path) in &wish.flags {
        arguments.extend([(*flag).to_owned(), written(path)?]);
    }
    arguments.extend(["schedule", "run", "--kind", wish.kind.name()].map(str::to_owned));
    let mut variables = vec![("HOME".to_owned(), written(&home.folder)?), ("LOGNAME".to_owned(), home.user.clone())];
    variables.push(("PATH".to_owned(), written(Path::new(&search_path()))?));
    for name in CARRIED {
        if let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) {
            let path = env::current_dir().unwrap_or_default().join(value);
            variables.push((name.to_owned(), written(&path)?));
        }
    }
    Ok(Command { variables, program: written(&program)?, arguments })
}

/// Of the user's PATH what a backup needs, in its order.
fn search_path() -> std::ffi::OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut missing: Vec<&str> = PROGRAMS.to_vec();
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in env::split_paths(&path).filter(|folder| folder.is_absolute()) {
        let before = missing.len();
        missing.retain(|name| which::which_in(name, Some(&folder), "/").is_err());
        let needed = missing.len() < before || folder.join("pg_dump").exists();
        if needed && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    for usual in ["/usr/bin", "/bin"].map(PathBuf::from) {
        if !folders.contains(&usual) {
            folders.push(usual);
        }
    }
    env::join_paths(folders).unwrap_or(path)
}

/// The path without links and dots, as far as it is there.
fn whole(path: &Path) -> PathBuf {
    let parent = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(parent).unwrap_or_else(|| path.to_owned())
}

fn written(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            format!("{} is no UTF-8 and cannot be scheduled. Nothing was changed", path.display()),
        )
    })
}

/// A number that is this store's own.
fn spread(store: &str) -> u32 {
    let hash = blake3::hash(store.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}
