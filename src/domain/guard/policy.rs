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
    /// A re-insert that empties the tables first.
    Replace,
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
            Self::Replace => "reinsert --on-conflict replace",
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
        (Dev | Reset | Push | Run | Rollback | Replace, Verdict::Unknown) => Demand::Name,
        (Run | Rollback | Reinsert | Replace, Verdict::Production) => Demand::Name,
    }
}

/// What no agent and no pipeline may do with a database that no person has said is for development: it cannot know whose data that is.
pub fn wants_a_person(action: Action) -> bool {
    matches!(action, Action::Reset | Action::Push | Action::Replace)
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
            (Replace, Nothing, Name, Name),
        ] {
            let demands = [Development, Unknown, Production].map(|verdict| demand(action, verdict));
            assert_eq!(demands, [development, unknown, production], "{action:?}");
        }
    }
}
