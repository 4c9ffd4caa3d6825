//! Only one writes to the terminal at a time: what is to be told waits until it is our turn.

use crate::domain::event::{Event, Observer};
use std::sync::{Mutex, PoisonError};

/// An observer that keeps everything until its end, and hands it on from then.
pub(super) struct Silence<'a> {
    observer: &'a dyn Observer,
    kept: Mutex<Option<Vec<Event>>>,
}

impl<'a> Silence<'a> {
    pub fn before(observer: &'a dyn Observer) -> Self {
        Self { observer, kept: Mutex::new(Some(Vec::new())) }
    }

    pub fn lasts(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub fn end(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take().into_iter().flatten().for_each(|event| self.observer.on(event));
    }
}

impl Observer for Silence<'_> {
    fn on(&self, event: Event) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *kept, event) {
            (None, event) => self.observer.on(event),
            (Some(kept), Event::Bytes(more)) => match kept.last_mut() {
                Some(Event::Bytes(bytes)) => *bytes += more,
                _ => kept.push(Event::Bytes(more)),
            },
            (Some(kept), event) => kept.push(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Event>>);

    impl Observer for Heard {
        fn on(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }

    #[test]
    fn all_is_told_in_its_order_afterwards() {
        let (heard, note) = (Heard::default(), |text: &str| Event::Note(text.to_owned()));
        let silence = Silence::before(&heard);
        for event in [note("a"), Event::Bytes(1), Event::Bytes(2), note("b"), Event::Bytes(4)] {
            silence.on(event);
        }
        assert!(silence.lasts() && heard.0.lock().unwrap().is_empty());
        silence.end();
        silence.on(note("c"));
        silence.end();
        assert!(!silence.lasts());
        assert_eq!(*heard.0.lock().unwrap(), [note("a"), Event::Bytes(3), note("b"), Event::Bytes(4), note("c")]);
    }
}
