//! One scheduled backup. Whatever becomes of it is written down in the store.

use crate::domain::event::{Observer, Quiet};
use crate::domain::manifest::{Manifest, Reason};
use crate::domain::schedule::{Attempt, Every, Outcome, Taken};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::backup::under_lock;
use crate::operations::checkpoint::{self, Kinds, ReadRows};
use crate::operations::ids;
use crate::operations::interrupt::Interrupt;
use crate::operations::journal::{Purpose, claim, enter};
use crate::operations::target::Target;
use crate::postgres::claim::Claim;
use crate::postgres::url::DatabaseUrl;
use crate::store::{Lock, Store};
use std::time::{Duration, Instant};

const COMMAND: &str = "schedule";
/// How often we look whether the other command is done.
const BETWEEN: Duration = Duration::from_millis(500);
/// There is no use in waiting longer: the next one comes soon.
const LONGEST_WAIT: i64 = 600;

/// How an attempt that did not fail ended.
pub enum Ran {
    Done(Vec<Manifest>),
    /// Another command was at work all the time.
    Skipped(String),
}

/// Takes the backup, or skips it when another command is at work for longer than `wait` (by default a quarter of the
/// interval, at most ten minutes). `load` finds the database: whatever fails there is written down too.
///
/// # Errors
/// Those of finding the database and of taking a backup.
pub async fn run(
    store: &Store,
    kinds: Kinds,
    wait: Option<Duration>,
    load: impl Future<Output = Result<Target>>,
    interrupt: &Interrupt,
) -> Result<Ran> {
    let at = ids::now();
    let note = |outcome, why: Option<String>| store.write_attempt(&Attempt { at: at.clone(), outcome, why });
    // where this cannot be written the backup is still worth trying
    let _ = store.prepare().and_then(|()| note(Outcome::Started, None));
    let wait = wait.unwrap_or_else(|| default_wait(store));
    match attempt(store, kinds, wait, load, interrupt).await {
        Ok(Ran::Done(backups)) => {
            let taken = Taken { at: at.clone(), backups: backups.iter().map(|m| m.id.clone()).collect() };
            store.write_taken(&taken).and_then(|()| note(Outcome::Done, None)).map_err(|e| {
                let message = format!("{} was taken, but that could not be written down", taken.backups.join(" and "));
                Error::new(e.kind, message).because(e)
            })?;
            Ok(Ran::Done(backups))
        }
        Ok(Ran::Skipped(why)) => {
            note(Outcome::Skipped, Some(why.clone()))?;
            Ok(Ran::Skipped(why))
        }
        Err(error) => {
            // there it stands beside the question what there is, not what was changed
            let why = error.to_string().replace(". Nothing was changed", "");
            let _ = note(Outcome::Failed, Some(why));
            Err(error)
        }
    }
}

fn default_wait(store: &Store) -> Duration {
    let every = store.schedule().ok().and_then(|record| record.schedule).map_or(Every::HOUR, |schedule| schedule.every);
    Duration::from_secs((every.seconds() / 4).min(LONGEST_WAIT).unsigned_abs())
}

async fn attempt(
    store: &Store,
    kinds: Kinds,
    wait: Duration,
    load: impl Future<Output = Result<Target>>,
    interrupt: &Interrupt,
) -> Result<Ran> {
    let until = Instant::now() + wait;
    let target = load.await?;
    let (_lock, _claim) = match turn(store, &target.url, until, interrupt).await {
        Err(error) if error.kind == ErrorKind::Locked => {
            let who = error.message.trim_end_matches(". Nothing was changed");
            return Ok(Ran::Skipped(who.to_owned()));
        }
        ours => ours?,
    };
    let taken = under_lock(&target, kinds, Reason::Scheduled, ReadRows::default(), &Quiet, interrupt).await?;
    Ok(Ran::Done(taken.full.into_iter().chain(taken.data_only).collect()))
}

/// Takes the store and the database as soon as both are free.
async fn turn(
    store: &Store,
    url: &DatabaseUrl,
    until: Instant,
    interrupt: &Interrupt,
) -> Result<(Lock, Option<Claim>)> {
    loop {
        let ours = match enter(store, COMMAND, &Quiet as &dyn Observer) {
            Ok(lock) => claim(url, COMMAND, Purpose::Read, interrupt).await.map(|claim| (lock, claim)),
            Err(error) => Err(error),
        };
        match ours {
            Err(error) if error.kind == ErrorKind::Locked && Instant::now() < until => {
                let pause = async {
                    tokio::time::sleep(BETWEEN).await;
                    Ok(())
                };
                interrupt.or(pause).await?;
            }
            ours => return ours,
        }
    }
}

/// Everything up to the backup: the database is reached, all of it may be read, and `pg_dump` is there. Nothing is written.
///
/// # Errors
/// As those of a backup.
pub async fn rehearse(target: &Target, kinds: Kinds, interrupt: &Interrupt) -> Result<()> {
    let plan = async {
        target.project_info(interrupt).await?;
        checkpoint::plan(&target.url, kinds).await
    };
    interrupt.or(plan).await.map_err(Error::nothing_changed)
}
