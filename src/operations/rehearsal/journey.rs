//! A rehearsal as a command of its own, in the journal.

use super::{Base, choose, rehearse};
use crate::domain::rehearsal::{Rehearsal, Verdict};
use crate::domain::run::State;
use crate::error::{Error, Result};
use crate::operations::journal::Entry;
use crate::operations::pending::As;
use crate::operations::report;
use crate::operations::telling::Telling;
use crate::operations::workplace::Place;
use crate::prisma::Project;

/// What is to be rehearsed, and on what.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    pub wanted: As,
    pub base: Base<'a>,
    /// Of a hundred rows so many, with those that they reference; `None`: all.
    pub percent: Option<f64>,
}

/// How it came out.
pub struct Rehearsed {
    /// The run's id.
    pub run: String,
    pub rehearsal: Rehearsal,
}

/// Chooses the data, rehearses on it and writes down what was found.
///
/// # Errors
/// Those of `choose` and `rehearse`; `Locked`. The database was only read.
pub async fn by_itself(place: &Place<'_>, project: &Project, wish: Wish<'_>) -> Result<Rehearsed> {
    let telling = Telling::new(place.store, place.observer);
    let place = &Place { observer: &telling, ..*place };
    let mut entry = Entry::open_beside(place.store, place.url, "rehearse", place.observer)?;
    let work = async {
        let backup = choose(place, wish.base, &entry.run.id).await?;
        entry.step(State::Rehearsing).map_err(Error::nothing_changed)?;
        let rehearsal = rehearse(place, project, wish.wanted, &backup, None, wish.percent).await?;
        entry.run.rehearsal = Some(rehearsal.clone());
        Ok(rehearsal)
    };
    let rehearsed = work.await;
    let closed = entry.close(rehearsed, |rehearsal| sentence(rehearsal.verdict()).to_owned()).await;
    report::write(place.store, &entry.run, place.project, place.observer);
    let rehearsal = closed?;
    Ok(Rehearsed { run: entry.run.id.clone(), rehearsal })
}

fn sentence(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Nothing => "Rehearsed: nothing is pending",
        Verdict::Safe => "Rehearsed: everything goes through and nothing is lost",
        Verdict::Loses => "Rehearsed: it would lose data",
        Verdict::Fails => "Rehearsed: it would fail",
    }
}
