//! Backups by the clock: put up and taken down, taken, and judged.

mod install;
mod run;

pub use install::{Installed, Plan, Wish, installed, plan, plan_removal};
pub use run::{Ran, rehearse, run};

use crate::domain::manifest::Reason;
use crate::domain::schedule::{Attempt, Health, Known, Last, Late, Record, Schedule, Taken, judge};
use crate::error::Result;
use crate::store::Store;
use jiff::Timestamp;

/// How the schedule of a store is doing.
pub struct State {
    pub schedule: Schedule,
    pub last: Option<Attempt>,
    /// The newest good backup of the schedule.
    pub good: Option<Taken>,
    pub health: Health,
}

/// Nothing where no schedule is installed.
///
/// # Errors
/// `Damaged` where the record cannot be read; `Store`.
pub fn state(store: &Store) -> Result<Option<State>> {
    let Record { schedule, last, good } = store.schedule()?;
    let Some(schedule) = schedule else { return Ok(None) };
    let good = newest_good(store, good)?;
    let known = Known {
        runner: schedule.runner,
        every: schedule.every,
        installed: seconds(&schedule.since).unwrap_or(i64::MIN),
        good: good.as_ref().and_then(|good| seconds(&good.at)),
        last: last
            .as_ref()
            .and_then(|last| Some(Last { at: seconds(&last.at)?, outcome: last.outcome, why: last.why.clone() })),
        now: Timestamp::now().as_second(),
    };
    Ok(Some(State { health: judge(&known), schedule, last, good }))
}

/// What the user of this store should know about its schedule before he relies on it; nothing as a rule.
pub fn concern(store: &Store) -> Option<String> {
    match state(store) {
        Ok(Some(State { health: Health::Late(late), .. })) => Some(sentence(&late)),
        Ok(_) => None,
        Err(error) => Some(format!("Whether the scheduled backups are taken is not known: {error}")),
    }
}

/// What is late, and where there is more about it.
pub fn sentence(late: &Late) -> String {
    format!("{}. More: safemigrate schedule status", late.to_string().trim_end_matches('.'))
}

fn newest_good(store: &Store, taken: Option<Taken>) -> Result<Option<Taken>> {
    let is_there = |taken: &Taken| taken.backups.iter().all(|id| store.manifest(id).is_ok());
    if taken.as_ref().is_some_and(is_there) {
        return Ok(taken);
    }
    let (manifests, _) = store.manifests()?;
    // it went with the others that are old: newer ones are there in its place
    if taken.as_ref().is_some_and(|taken| manifests.first().is_some_and(|newest| newest.created_at > taken.at)) {
        return Ok(taken);
    }
    let scheduled = manifests.into_iter().find(|m| m.reason == Reason::Scheduled);
    Ok(scheduled.map(|m| Taken { at: m.created_at, backups: vec![m.id] }))
}

fn seconds(time: &str) -> Option<i64> {
    time.parse::<Timestamp>().ok().map(Timestamp::as_second)
}
