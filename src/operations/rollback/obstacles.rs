//! What stands against each way of restoring, asked of the server.

use super::Blueprint;
use super::decide::Findings;
use super::kept::Kept;
use crate::error::Result;
use crate::postgres::databases::{self, Database, Me, Session};
use crate::postgres::structure::Entry;
use crate::postgres::url::DatabaseUrl;
use crate::postgres::{PgConnection, emptying};
use std::collections::BTreeSet;

pub(super) async fn against_swap(
    live: &mut PgConnection,
    url: &DatabaseUrl,
    me: &Me,
    database: &Database,
    sessions: &[Session],
) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    if !me.may_create_databases {
        reasons.push("this role may not create databases".to_owned());
    }
    if !me.superuser && !databases::foreign_owners(live, std::slice::from_ref(&database.owner)).await?.is_empty() {
        reasons.push(format!("the database belongs to {}", database.owner));
    }
    let stuck = sessions.iter().find(|s| !s.can_be_ended);
    reasons.extend(stuck.map(|s| format!("{} is connected and this role may not end its session", s.role)));
    reasons.extend(databases::carry_hindrances(live, database, me).await?);
    if reasons.is_empty() && databases::maintenance(url).await?.is_none() {
        reasons.push("this role gets into no other database of the server".to_owned());
    }
    Ok(reasons)
}

pub(super) async fn against_in_place(live: &mut PgConnection) -> Result<Vec<String>> {
    let objects = emptying::user_objects(live).await?;
    let foreign: Vec<String> =
        objects.iter().filter(|o| !o.global && !o.mine).map(|o| format!("{} {}", o.kind, o.identity)).collect();
    let mut reasons = Vec::new();
    if let Some(first) = foreign.first() {
        let more = if foreign.len() > 1 { format!(" and {} more", foreign.len() - 1) } else { String::new() };
        reasons.push(format!("this role does not own {first}{more}"));
    }
    let (_, foreign_large_objects) = emptying::large_objects(live).await?;
    if foreign_large_objects > 0 {
        reasons.push(format!("this role does not own {foreign_large_objects} large objects"));
    }
    Ok(reasons)
}

/// Before version 15 `public` of a new database belongs to a superuser, who alone may set rights and comment on it.
pub(super) fn against_old_public(server_version: u32, me: &Me, blueprint: &Blueprint) -> Option<String> {
    let sets_it = |e: &Entry| matches!(e.kind.as_str(), "ACL" | "COMMENT") && e.name == "SCHEMA public";
    let cannot = server_version < 150_000 && !me.superuser && blueprint.entries().any(sets_it);
    cannot.then(|| "this role may not set the rights on the schema public of a new database".to_owned())
}

/// Owners in the backup to whom this role cannot give anything. In place, what is there and not ours stays as it is.
pub(super) async fn find_owners(
    connection: &mut PgConnection,
    blueprint: &Blueprint,
    kept: &Kept,
    findings: &mut Findings,
) -> Result<()> {
    let in_place =
        |e: &Entry| kept.lets_run(e) || (e.kind == "SCHEMA" && !kept.foreign_schemas.contains(&e.schema_made()));
    let owners = |wanted: &dyn Fn(&Entry) -> bool| -> BTreeSet<String> {
        // whoever owns the database is in this one
        let named = |e: &Entry| e.given_to().or_else(|| e.default_privileges_of());
        let owners = blueprint.entries().filter(|e| wanted(e)).filter_map(named);
        owners.filter(|o| o != "pg_database_owner").collect()
    };
    let (all, restored_in_place) = (owners(&|_| true), owners(&in_place));
    for (role, exists) in databases::foreign_owners(connection, &Vec::from_iter(all)).await? {
        let reason = format!("something in the backup belongs to {role}, of which this role is no member");
        match (exists, restored_in_place.contains(&role)) {
            (false, _) => findings.missing_roles.push(role),
            (true, true) => {
                findings.against_swap.push(reason.clone());
                findings.against_in_place.push(reason);
            }
            (true, false) => findings.against_swap.push(reason),
        }
    }
    Ok(())
}

pub(super) async fn find_extensions(
    connection: &mut PgConnection,
    blueprint: &Blueprint,
    me: &Me,
    findings: &mut Findings,
) -> Result<()> {
    let wanted: Vec<String> = blueprint.entries().filter(|e| e.kind == "EXTENSION").map(|e| e.name.clone()).collect();
    findings.against_swap.extend(databases::uncreatable_extensions(connection, &wanted, me).await?);
    let installed = emptying::installed_extensions(connection).await?;
    let missing: Vec<String> = wanted.into_iter().filter(|w| !installed.iter().any(|i| i.name == *w)).collect();
    findings.against_in_place.extend(databases::uncreatable_extensions(connection, &missing, me).await?);
    Ok(())
}

/// Rights that somebody gave on who is not the owner: only a superuser can give them in that one's name.
pub(super) fn find_rights_given_on(blueprint: &Blueprint, me: &Me, kept: &Kept, findings: &mut Findings) {
    if me.superuser {
        return;
    }
    let given_on = |e: &&Entry| e.kind == "ACL" && e.sql.lines().any(|l| l.starts_with("SET SESSION AUTHORIZATION "));
    let reason = |e: &Entry| {
        format!("{} holds a right that another role gave on, and only a superuser can restore that", e.name)
    };
    let all: Vec<&Entry> = blueprint.entries().filter(given_on).collect();
    findings.against_swap.extend(all.first().map(|e| reason(e)));
    findings.against_in_place.extend(all.into_iter().find(|e| kept.lets_run(e)).map(reason));
}
