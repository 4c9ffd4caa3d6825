//! Which way to restore, decided from what was found.

use super::Strategy;
use crate::error::{Error, ErrorKind, Result};

/// What `plan` found out, as far as it matters for the way.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub database: String,
    /// Things outside of the database hang on it.
    pub blockers: Vec<String>,
    /// Roles that own something in the backup and do not exist here.
    pub missing_roles: Vec<String>,
    pub against_swap: Vec<String>,
    pub against_in_place: Vec<String>,
}

/// The strategy and why; `wanted` is the one that the user asked for, if he did.
///
/// # Errors
/// `Other` when there is no way, with every reason.
pub(super) fn decide(findings: &Findings, wanted: Option<Strategy>) -> Result<(Strategy, String)> {
    let cannot =
        |why: String| Error::new(ErrorKind::Other, format!("{} cannot be rolled back: {why}", findings.database));
    if let Some(first) = findings.blockers.first() {
        let others = findings.blockers[1..].iter().map(|why| format!("Also: {why}."));
        let mut error = cannot(format!("{first}. Nothing was changed"));
        error.hints.extend(others);
        return Err(error.hint("End or remove it first, and set it up again after the rollback."));
    }
    if !findings.missing_roles.is_empty() {
        let roles = findings.missing_roles.join(", ");
        return Err(cannot(format!(
            "roles that own something in the backup do not exist here: {roles}. Nothing was changed"
        ))
        .hint("Create them first (CREATE ROLE … NOLOGIN)."));
    }
    if let Some(strategy) = wanted {
        return as_wanted(findings, strategy, cannot);
    }
    if findings.against_swap.is_empty() {
        return Ok((Strategy::Swap, "this role may create databases".into()));
    }
    if findings.against_in_place.is_empty() {
        return Ok((Strategy::InPlace, findings.against_swap.join("; ")));
    }
    let mut error = cannot("this role may not do it in either way. Nothing was changed".into());
    error.hints.push(format!("Beside the live database: {}.", findings.against_swap.join("; ")));
    error.hints.push(format!("Inside the live database: {}.", findings.against_in_place.join("; ")));
    Err(error.hint("Use a role that owns the database and may create databases: --url, or ALTER ROLE … CREATEDB."))
}

fn as_wanted(findings: &Findings, strategy: Strategy, cannot: impl Fn(String) -> Error) -> Result<(Strategy, String)> {
    let (against, how) = match strategy {
        Strategy::Swap => (&findings.against_swap, "beside the live database"),
        Strategy::InPlace => (&findings.against_in_place, "inside the live database"),
    };
    if against.is_empty() {
        return Ok((strategy, "you asked for it".into()));
    }
    Err(cannot(format!("it cannot be restored {how}: {}. Nothing was changed", against.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(swap: &[&str], in_place: &[&str]) -> Findings {
        let list = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        Findings { against_swap: list(swap), against_in_place: list(in_place), ..Findings::default() }
    }

    #[test]
    fn swaps_where_it_can_and_says_why_not() {
        assert_eq!(decide(&found(&[], &["x"]), None).unwrap().0, Strategy::Swap);
        assert_eq!(decide(&found(&["no CREATEDB"], &[]), None).unwrap(), (Strategy::InPlace, "no CREATEDB".into()));
        let error = decide(&found(&["no CREATEDB"], &["not the owner of t"]), None).unwrap_err();
        assert!(error.hints[0].contains("no CREATEDB") && error.hints[1].contains("owner of t"));
    }

    #[test]
    fn does_what_the_user_wants_or_says_why_not() {
        assert_eq!(decide(&found(&[], &[]), Some(Strategy::InPlace)).unwrap().0, Strategy::InPlace);
        let error = decide(&found(&["no CREATEDB"], &[]), Some(Strategy::Swap)).unwrap_err();
        assert!(error.message.contains("no CREATEDB") && error.message.contains("Nothing was changed"));
    }

    #[test]
    fn replication_and_missing_roles_stop_everything() {
        let blocked = Findings { blockers: vec!["a slot".into(), "a subscription".into()], ..Findings::default() };
        let error = decide(&blocked, None).unwrap_err();
        assert!(error.message.contains("a slot") && error.message.contains("Nothing was changed"));
        assert!(error.hints[0].contains("subscription"));
        let orphaned = Findings { missing_roles: vec!["jo".into()], ..Findings::default() };
        assert!(decide(&orphaned, None).unwrap_err().message.contains("jo"));
    }
}
