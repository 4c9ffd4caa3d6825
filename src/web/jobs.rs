//! What takes longer than a browser waits: it works on its own, tells how far it is, can be cancelled, and is seen by
//! every window.

use super::Page;
use super::work::{Done, Work, carry_out};
use crate::domain::event::{Event, Observer};
use crate::domain::progress::Progress;
use crate::error::{Error, ErrorKind};
use crate::operations::ids;
use crate::operations::interrupt::{Interrupt, Interrupter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Jobs that are remembered after their end.
const REMEMBERED: usize = 50;

pub struct Job {
    /// Its place in the list, from 1.
    pub number: usize,
    pub work: Work,
    /// RFC 3339, UTC.
    pub started_at: String,
    progress: Mutex<Progress>,
    notes: Mutex<Vec<String>>,
    end: Mutex<Option<Arc<Result<Done, Error>>>>,
    ended: Notify,
    cancelled: AtomicBool,
    interrupter: Interrupter,
}

/// All jobs of this start, the newest last.
#[derive(Default)]
pub struct Jobs(Mutex<Vec<Arc<Job>>>);

impl Job {
    pub fn progress(&self) -> Progress {
        locked(&self.progress).clone()
    }

    /// Sentences for the user that are no errors.
    pub fn notes(&self) -> Vec<String> {
        locked(&self.notes).clone()
    }

    pub fn end(&self) -> Option<Arc<Result<Done, Error>>> {
        locked(&self.end).clone()
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Asks it to stop; it puts things in order first.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.interrupter.interrupt();
    }

    async fn until_ended(&self) {
        loop {
            let ended = self.ended.notified();
            if self.end().is_some() {
                return;
            }
            ended.await;
        }
    }
}

impl Observer for Job {
    fn on(&self, event: Event) {
        locked(&self.progress).note(&event);
        if let Event::Note(text) = event {
            locked(&self.notes).push(text);
        }
    }
}

impl Jobs {
    /// Begins the work; the job tells of it from now on.
    pub fn start(&self, page: &Arc<Page>, work: Work) -> Arc<Job> {
        let (interrupter, interrupt) = Interrupt::new();
        let job = {
            let mut jobs = locked(&self.0);
            let job = Arc::new(Job {
                number: jobs.last().map_or(0, |job| job.number) + 1,
                work,
                started_at: ids::now(),
                progress: Mutex::default(),
                notes: Mutex::default(),
                end: Mutex::default(),
                ended: Notify::new(),
                cancelled: AtomicBool::new(false),
                interrupter,
            });
            jobs.push(Arc::clone(&job));
            if jobs.len() > REMEMBERED
                && let Some(oldest) = jobs.iter().position(|job| job.end().is_some())
            {
                jobs.remove(oldest);
            }
            job
        };
        let (page, doing, runtime) = (Arc::clone(page), Arc::clone(&job), Handle::current());
        // a thread of its own: what it does to files must not keep the page waiting
        let thread = std::thread::Builder::new().name(format!("job {}", job.number));
        let started = thread.spawn(move || {
            let done = runtime.block_on(carry_out(&page.place, &doing.work, &*doing, &interrupt));
            finish(&doing, done);
        });
        if let Err(why) = started {
            finish(
                &job,
                Err(Error::new(ErrorKind::Other, "No thread can be started. Nothing was changed").because(why)),
            );
        }
        job
    }

    pub fn find(&self, number: usize) -> Option<Arc<Job>> {
        locked(&self.0).iter().find(|job| job.number == number).cloned()
    }

    /// Those that are at work, the newest first.
    pub fn at_work(&self) -> Vec<Arc<Job>> {
        locked(&self.0).iter().rev().filter(|job| job.end().is_none()).cloned().collect()
    }

    /// Cancels what is at work and waits until it has put things in order; each further interrupt is handed on.
    pub async fn end_all(&self, interrupt: &Interrupt) {
        for job in self.at_work() {
            let ended = async {
                job.until_ended().await;
                Ok(())
            };
            tokio::pin!(ended);
            job.cancel();
            while interrupt.anew().or(ended.as_mut()).await.is_err() {
                job.cancel();
            }
        }
    }
}

fn finish(job: &Job, done: Result<Done, Error>) {
    *locked(&job.end) = Some(Arc::new(done));
    job.ended.notify_waiters();
}

/// A thread that panicked has left nothing half written in here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
