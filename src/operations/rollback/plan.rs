//! Looking at everything that a rollback needs, before anything changes.

use super::decide::{Findings, decide};
use super::kept::Kept;
use super::obstacles::{
    against_in_place, against_old_public, against_swap, find_extensions, find_owners, find_rights_given_on,
};
use super::staying::against_staying;
use super::{Blueprint, Plan, Strategy, in_place, nothing_changed};
use crate::domain::manifest::{DatabaseInfo, Kind, Locale, Manifest};
use crate::domain::schema::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::check::refuse_damaged;
use crate::postgres::PgConnection;
use crate::postgres::catalog::read_catalog;
use crate::postgres::databases;
use crate::postgres::session::connect;
use crate::postgres::snapshot::read_database_info;
use crate::postgres::url::DatabaseUrl;
use crate::postgres::waiting::naming;
use crate::store::Store;
use std::collections::BTreeSet;

/// Plans the rollback of the URL's database to a full backup. Reads the whole backup, so that a damaged one is found
/// here; changes nothing. `wanted`: the strategy that the user asked for; else the best that the role may do.
///
/// # Errors
/// `Usage` for a backup that is not full or of another database; `Damaged`; `Tool`; `NeedsYou` when an earlier rollback
/// stopped half way; `Other` with the reasons when this role cannot do it.
pub async fn plan(url: &DatabaseUrl, store: &Store, backup: &Manifest, wanted: Option<Strategy>) -> Result<Plan> {
    naming(url, plan_inner(url, store, backup, wanted)).await.map_err(nothing_changed)
}

async fn plan_inner(url: &DatabaseUrl, store: &Store, backup: &Manifest, wanted: Option<Strategy>) -> Result<Plan> {
    if backup.kind != Kind::Full {
        return Err(super::not_full(backup));
    }
    if backup.database.name != url.database {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{} is a backup of the database {}, not of {}", backup.id, backup.database.name, url.database),
        )
        .hint("Check the database URL, or choose another backup: `safemigrate list`."));
    }
    refuse_damaged(store, backup).await?;
    let request = Request { url, backup, blueprint: &Blueprint::read(store, backup).await?, wanted };
    match connect(url).await {
        Ok(live) => plan_over(live, &request).await,
        Err(error) if error.kind == ErrorKind::NoDatabase => plan_anew(&request).await,
        Err(error) if error.kind == ErrorKind::Server && is_half_done(url).await => Err(half_done(url)),
        Err(error) => Err(error),
    }
}

/// What is to be planned.
struct Request<'a> {
    url: &'a DatabaseUrl,
    backup: &'a Manifest,
    blueprint: &'a Blueprint,
    wanted: Option<Strategy>,
}

/// The error for a database that a crashed rollback left closed or without its name.
pub(super) fn half_done(url: &DatabaseUrl) -> Error {
    Error::new(ErrorKind::NeedsYou, format!("An earlier rollback of {} stopped half way", url.database))
        .hint("`safemigrate recover` finishes or undoes it; then try again.")
}

async fn is_half_done(url: &DatabaseUrl) -> bool {
    let Ok(Some(mut desk)) = databases::maintenance(url).await else { return false };
    databases::marked(&mut desk, &url.database).await.is_ok_and(|ours| !ours.is_empty())
}

/// The live database is there and will be replaced.
async fn plan_over(mut live: PgConnection, request: &Request<'_>) -> Result<Plan> {
    let Request { url, backup, blueprint, wanted } = *request;
    let pulse = databases::pulse(&mut live).await?;
    let info = read_database_info(&mut live).await?;
    refuse_older_server(info.server_version, backup)?;
    let me = databases::me(&mut live).await?;
    let Some(database) = databases::find(&mut live, &url.database).await? else {
        return Err(Error::new(ErrorKind::NoDatabase, format!("The database {} vanished", url.database)));
    };
    let sessions = databases::sessions_of(&mut live).await?;
    let mut findings = Findings {
        database: url.database.clone(),
        blockers: databases::blockers(&mut live).await?,
        against_swap: against_swap(&mut live, url, &me, &database, &sessions).await?,
        against_in_place: against_in_place(&mut live).await?,
        ..Findings::default()
    };
    let kept = in_place::foresee(&mut live, blueprint).await?;
    find_owners(&mut live, blueprint, &kept, &mut findings).await?;
    find_extensions(&mut live, blueprint, &me, &mut findings).await?;
    find_rights_given_on(blueprint, &me, &kept, &mut findings);
    findings.against_swap.extend(against_old_public(info.server_version, &me, blueprint));
    let swaps = wanted != Some(Strategy::InPlace) && findings.against_swap.is_empty();
    if !swaps && !me.superuser && findings.against_in_place.is_empty() {
        findings.against_in_place = against_staying(url, backup, blueprint, &kept, info.server_version).await?;
    }
    let (strategy, why) = decide(&findings, wanted)?;
    let catalog = read_catalog(&mut live).await?;
    let mut notes = Vec::new();
    let moved = is_of_another_server(&backup.database, &info);
    if moved {
        notes.push("The backup was taken on another server (or on this one before it was set up anew).".to_owned());
    }
    if let Some(imported) = &backup.imported {
        notes.push(format!("The backup was not taken here: it was imported from {}.", imported.file));
    }
    if strategy == Strategy::InPlace || moved {
        notes.extend(other_locale(&backup.database, &info));
    }
    let search_path = databases::default_search_path(&mut live).await?;
    let (tables_removed, tables_brought_back) = table_changes(&catalog, backup);
    Ok(Plan {
        strategy,
        why,
        creates_database: false,
        tables_removed,
        tables_brought_back,
        sessions,
        notes,
        server_version: info.server_version,
        pulse: Some(pulse),
        in_place_is_possible: findings.against_in_place.is_empty(),
        search_path,
        ..Plan::of(url, backup)
    })
}

/// There is no live database: one is made under its name.
async fn plan_anew(request: &Request<'_>) -> Result<Plan> {
    let Request { url, backup, blueprint, wanted } = *request;
    let Some(mut desk) = databases::maintenance(url).await? else {
        return Err(Error::new(ErrorKind::NoDatabase, format!("The database {} does not exist", url.database))
            .hint("This role gets into no other database of the server: create it by hand, then try again."));
    };
    if !databases::marked(&mut desk, &url.database).await?.is_empty() {
        return Err(half_done(url));
    }
    let version = read_database_info(&mut desk).await?.server_version;
    refuse_older_server(version, backup)?;
    let me = databases::me(&mut desk).await?;
    let mut findings = Findings { database: url.database.clone(), ..Findings::default() };
    findings.against_in_place.push("there is no live database".into());
    if !me.may_create_databases {
        findings.against_swap.push("this role may not create databases".into());
    }
    find_owners(&mut desk, blueprint, &Kept::default(), &mut findings).await?;
    find_extensions(&mut desk, blueprint, &me, &mut findings).await?;
    find_rights_given_on(blueprint, &me, &Kept::default(), &mut findings);
    let (strategy, why) = decide(&findings, wanted)?;
    Ok(Plan {
        strategy,
        why,
        creates_database: true,
        tables_brought_back: backup.tables.iter().map(|t| t.table.name.to_string()).collect(),
        notes: vec![
            "The database is made anew: settings, rights and comment of the database itself are in no backup.".into(),
        ],
        server_version: version,
        search_path: "\"$user\", public".into(),
        ..Plan::of(url, backup)
    })
}

impl Plan {
    fn of(url: &DatabaseUrl, backup: &Manifest) -> Self {
        Self {
            backup: backup.id.clone(),
            database: url.database.clone(),
            strategy: Strategy::Swap,
            why: String::new(),
            creates_database: false,
            tables: backup.tables.len(),
            rows: backup.rows(),
            bytes: backup.bytes(),
            tables_removed: Vec::new(),
            tables_brought_back: Vec::new(),
            sessions: Vec::new(),
            notes: Vec::new(),
            server_version: 0,
            pulse: None,
            replaces: None,
            in_place_is_possible: false,
            search_path: String::new(),
        }
    }
}

/// Whether the two are known to be of different servers.
pub(super) fn is_of_another_server(then: &DatabaseInfo, now: &DatabaseInfo) -> bool {
    let known = then.system_identifier.is_some() && now.system_identifier.is_some();
    known && then.system_identifier != now.system_identifier
}

/// What was settled when the database was made, and stays.
fn other_locale(then: &DatabaseInfo, now: &DatabaseInfo) -> Option<String> {
    let settled = |info: &DatabaseInfo| {
        let locale = info.locale.as_ref()?;
        let name = locale.name.as_ref().map_or(String::new(), |name| format!("{name}, "));
        let Locale { collate, ctype, .. } = locale;
        Some(format!("{} ({name}LC_COLLATE {collate}, LC_CTYPE {ctype})", info.encoding))
    };
    let (before, here) = (settled(then)?, settled(now)?);
    (then.locale != now.locale || then.encoding != now.encoding).then(|| {
        format!("The database of the backup was made with {before}, this one with {here}; that stays, and text may sort differently.")
    })
}

pub(super) fn refuse_older_server(version: u32, backup: &Manifest) -> Result<()> {
    let (here, there) = (version / 10_000, backup.database.server_version / 10_000);
    if here >= there {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Other,
        format!("The backup is of PostgreSQL {there}, the server is PostgreSQL {here}: it would not understand it"),
    ))
}

fn table_changes(live: &Catalog, backup: &Manifest) -> (Vec<String>, Vec<String>) {
    let now: BTreeSet<String> = live.tables.iter().map(|t| t.name.to_string()).collect();
    let then: BTreeSet<String> = backup.tables.iter().map(|t| t.table.name.to_string()).collect();
    (now.difference(&then).cloned().collect(), then.difference(&now).cloned().collect())
}
