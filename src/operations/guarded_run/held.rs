//! Prisma, started beside the checkpoint: it gets ready meanwhile and waits at the gate. It does nothing before the backup is
//! durable, and never does where there is none.

use super::prepare::not_interrupted;
use super::seen::{Seen, look};
use super::silence::Silence;
use super::{Place, Preparation, Work};
use crate::domain::manifest::Reason;
use crate::domain::run::{Run, State};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::operations::checkpoint::{Kinds, no_backup};
use crate::operations::journal::Entry;
use crate::operations::rescue;
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::prisma::gate::Gate;
use crate::prisma::{Attached, ChildExit};

/// Prisma before its schema engine.
pub(super) struct Held {
    gate: Gate,
    /// Nobody writes into Prisma's journal, and Prisma does before it applies anything: should it ever get past the gate.
    journal: Option<prisma_journal::Hold>,
    prisma: Attached,
    ended: Option<ChildExit>,
}

impl Held {
    /// Starts it. `None` where it cannot be held with certainty, or where something is asked or tried between the checkpoint and
    /// its start.
    ///
    /// # Errors
    /// `Tool` where it cannot be started; `Interrupted`; those of the server.
    pub async fn start(
        place: &Place<'_>,
        run: &Run,
        preparation: Preparation<'_>,
        work: &Work<'_>,
    ) -> Result<Option<Self>> {
        let starting = place.interrupt.or(Self::start_uninterrupted(place, run, preparation, work)).await;
        starting.map_err(|error| no_backup(place.store, Reason::BeforeMigration, error))
    }

    async fn start_uninterrupted(
        place: &Place<'_>,
        run: &Run,
        preparation: Preparation<'_>,
        work: &Work<'_>,
    ) -> Result<Option<Self>> {
        let Some(project) = place.project.filter(|_| run.only_migrates() && preparation.first_try.is_none()) else {
            return Ok(None);
        };
        let connection = match connect(place.url).await {
            Err(e) if e.kind == ErrorKind::NoDatabase => return Ok(None),
            opened => opened?,
        };
        if preparation.rescue.is_some() && rescue::may_be_asked(place, project).await? {
            return Ok(None);
        }
        let Some(journal) = prisma_journal::hold(connection, place.url.prisma_schema()).await? else {
            return Ok(None);
        };
        let Some(gate) = Gate::of(project) else { return Ok(None) };
        let prisma = Attached::start(&gate.before(work.child), work.attach)?;
        fault::at("run.held");
        Ok(Some(Self { gate, journal: Some(journal), prisma, ended: None }))
    }

    /// Takes the checkpoint meanwhile. Prisma has the terminal until it stands before the gate; then it is ours until the gate opens.
    ///
    /// # Errors
    /// Those of the checkpoint; Prisma is ended then.
    pub async fn look(mut self, place: &Place<'_>, run: &Run) -> Result<(Seen, Self)> {
        let silence = Silence::before(place.observer);
        let quiet = Place { observer: &silence, ..*place };
        let looked = self.beside(look(&quiet, Reason::BeforeMigration, Kinds::Both, run), &silence).await;
        match looked {
            Ok(seen) => Ok((seen, self)),
            Err(error) => {
                self.prisma.kill().await;
                silence.end();
                Err(error)
            }
        }
    }

    async fn beside(&mut self, looking: impl Future<Output = Result<Seen>>, silence: &Silence<'_>) -> Result<Seen> {
        tokio::pin!(looking);
        let mut seen = None;
        loop {
            if let Some(seen) = seen.take_if(|_| !silence.lasts()) {
                return Ok(seen);
            }
            tokio::select! {
                looked = &mut looking, if seen.is_none() => {
                    seen = Some(looked?);
                    // there is a backup now: one that got past the gate must not wait for us, nor we for it
                    if let Some(journal) = self.journal.take() {
                        journal.release().await;
                    }
                }
                () = self.gate.arrived(), if silence.lasts() => silence.end(),
                ended = self.prisma.ended(), if self.ended.is_none() => {
                    self.ended = Some(ended?);
                    silence.end();
                }
            }
        }
    }

    /// Opens the gate and waits for Prisma's end; gives its exit code.
    ///
    /// # Errors
    /// `Interrupted`, `Store`: nothing was changed, and Prisma is ended. `Other` where its end was not seen.
    pub async fn go(mut self, place: &Place<'_>, entry: &mut Entry) -> Result<i32> {
        let ready = not_interrupted(place, &entry.run, "was ended before it did anything");
        let ready = ready.and_then(|()| entry.step(State::Migrating).map_err(Error::nothing_changed));
        if let Err(error) = ready {
            self.prisma.kill().await;
            return Err(error);
        }
        let _ours_to_survive = place.interrupt.mute();
        self.gate.open();
        match self.ended {
            Some(ended) => Ok(ended.code),
            None => Ok(self.prisma.ended().await?.code),
        }
    }
}
