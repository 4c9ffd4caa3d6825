//! What a verdict means for what somebody wants to do.

use super::Verdict;

/// What is about to happen to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Dev,
    Reset,
    Push,
    Deploy,
    Run,
    Rollback,
    Reinsert,
}

/// What it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    Nothing,
    /// The database's name, typed.
    Name,
    /// Nothing helps.
    Refused,
}

impl Action {
    /// As it stands in a sentence: "`safemigrate reset` is refused".
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Reset => "reset",
            Self::Push => "push",
            Self::Deploy => "deploy",
            Self::Run => "run",
            Self::Rollback => "rollback",
            Self::Reinsert => "reinsert",
        }
    }
}

/// Commands for development databases never run on production. `deploy` is made for it, and guarded by its checkpoint;
/// what repairs production must be possible there, but not by accident.
pub fn demand(action: Action, verdict: Verdict) -> Demand {
    use Action::*;
    match (action, verdict) {
        (_, Verdict::Development) | (Deploy, _) | (Reinsert, Verdict::Unknown) => Demand::Nothing,
        (Dev | Reset | Push, Verdict::Production) => Demand::Refused,
        (Dev | Reset | Push | Run | Rollback, Verdict::Unknown) => Demand::Name,
        (Run | Rollback | Reinsert, Verdict::Production) => Demand::Name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        use {Action::*, Demand::*, Verdict::*};
        for (action, development, unknown, production) in [
            (Dev, Nothing, Name, Refused),
            (Reset, Nothing, Name, Refused),
            (Push, Nothing, Name, Refused),
            (Deploy, Nothing, Nothing, Nothing),
            (Run, Nothing, Name, Name),
            (Rollback, Nothing, Name, Name),
            (Reinsert, Nothing, Nothing, Name),
        ] {
            let demands = [Development, Unknown, Production].map(|verdict| demand(action, verdict));
            assert_eq!(demands, [development, unknown, production], "{action:?}");
        }
    }
}
