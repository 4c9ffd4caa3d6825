//! A run in the journal: the lock is held while it is open, every step is written before it is taken.

use super::ids;
use super::interrupt::Interrupt;
use crate::domain::event::{Event, Observer};
use crate::domain::run::{Run, State};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::claim::Claim;
pub use crate::postgres::claim::Purpose;
use crate::postgres::url::DatabaseUrl;
use crate::store::{Holder, Lock, Store};

/// An open run. Dropped without `close` (a crash) it stays unfinished, and the next command says so.
pub struct Entry {
    store: Store,
    pub run: Run,
    claim: Option<Claim>,
    _lock: Lock,
}

/// Takes the store for one command, and tells of runs that a crash left open.
///
/// # Errors
/// `Locked`, `Store`.
pub fn enter(store: &Store, command: &str, observer: &dyn Observer) -> Result<Lock> {
    enter_now(store, command, observer).map_err(Error::nothing_changed)
}

/// Takes the database for one command; `None` when there is no such database.
///
/// # Errors
/// `Locked`, naming who is at work; those of connecting.
pub async fn claim(url: &DatabaseUrl, command: &str, purpose: Purpose, interrupt: &Interrupt) -> Result<Option<Claim>> {
    match interrupt.or(Claim::take(url, &myself(command), purpose)).await {
        Err(error) if error.kind == ErrorKind::NoDatabase => Ok(None),
        taken => taken.map(Some).map_err(Error::nothing_changed),
    }
}

fn myself(command: &str) -> Holder {
    Holder { pid: std::process::id(), command: command.to_owned(), since: ids::now() }
}

fn enter_now(store: &Store, command: &str, observer: &dyn Observer) -> Result<Lock> {
    store.prepare()?;
    let lock = store.lock(&myself(command))?;
    // before anything is written: on a full disk this may be the room that is needed
    store.sweep_left_overs()?;
    for run in left_open(store)? {
        observer.on(Event::Note(format!(
            "The run {} (safemigrate {}) of {} did not end. {}",
            run.id,
            run.command,
            run.started_at,
            run.next_step()
        )));
    }
    Ok(lock)
}

/// Runs that a crash left open. Right only under the lock.
///
/// # Errors
/// `Store`.
pub fn left_open(store: &Store) -> Result<Vec<Run>> {
    Ok(store.runs()?.into_iter().filter(Run::is_unfinished).collect())
}

/// Writes down that a run which a crash left open is over. Call it under the lock, by who goes on from there:
/// a backup in between must not make `status` forget it.
///
/// # Errors
/// `Store`.
pub fn close_left_open(store: &Store, run: &Run, known: &str) -> Result<()> {
    let outcome = Some(format!("It did not end. {known}"));
    store.write_run(&Run { state: State::Failed, outcome, ..run.clone() })
}

impl Entry {
    /// Takes the store and the database for one command.
    ///
    /// # Errors
    /// `Locked`, `Store`; those of connecting.
    pub async fn open(
        store: &Store,
        url: &DatabaseUrl,
        command: &str,
        purpose: Purpose,
        observer: &dyn Observer,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let lock = enter(store, command, observer)?;
        let claim = claim(url, command, purpose, interrupt).await?;
        let close = |run: &Run| close_left_open(store, run, &run.next_step());
        left_open(store).and_then(|runs| runs.iter().try_for_each(close)).map_err(Error::nothing_changed)?;
        let run = Run::begin(ids::run_id(), command, &url.database, ids::now());
        fault::at("run.opening");
        store.write_run(&run).map_err(Error::nothing_changed)?;
        fault::at("run.opened");
        Ok(Self { store: store.clone(), run, claim, _lock: lock })
    }

    /// Takes the store alone, for a command that only reads the database.
    ///
    /// # Errors
    /// `Locked`, `Store`.
    pub fn open_beside(store: &Store, url: &DatabaseUrl, command: &str, observer: &dyn Observer) -> Result<Self> {
        let lock = enter(store, command, observer)?;
        let run = Run::begin(ids::run_id(), command, &url.database, ids::now());
        fault::at("run.opening");
        store.write_run(&run).map_err(Error::nothing_changed)?;
        fault::at("run.opened");
        Ok(Self { store: store.clone(), run, claim: None, _lock: lock })
    }

    /// Writes down what comes next, before it is done.
    ///
    /// # Errors
    /// `Store`.
    pub fn step(&mut self, state: State) -> Result<()> {
        self.run.state = state;
        self.store.write_run(&self.run)?;
        fault::at("run.step");
        Ok(())
    }

    /// Writes how it ended, and lets others at the database; `sentence` says it for a result that is no error.
    ///
    /// # Errors
    /// The result's own; `Store` when the journal cannot be written.
    pub async fn close<T>(&mut self, result: Result<T>, sentence: impl FnOnce(&T) -> String) -> Result<T> {
        self.run.finished_at = Some(ids::now());
        match &result {
            Ok(done) => {
                self.run.state = State::Finished;
                self.run.outcome = Some(sentence(done));
            }
            Err(error) => {
                self.run.state = State::Failed;
                self.run.outcome = Some(error.to_string());
            }
        }
        fault::at("run.closing");
        let written = self.store.write_run(&self.run);
        fault::at("run.closed");
        if let Some(claim) = self.claim.take() {
            claim.release().await;
        }
        let done = result?;
        written.map_err(|e| {
            let sentence = self.run.outcome.as_deref().unwrap_or("It is done");
            let message = format!("{sentence}. But the journal of it could not be written");
            Error::new(e.kind, message).hint("Nothing has to be done again.").because(e)
        })?;
        Ok(done)
    }
}
