//! A file of `pg_dump` becomes a backup: it is loaded into a scratch database, of which a checkpoint is taken.

use super::checkpoint::{Kinds, Origin, ReadRows, Request, Taken, take_imported};
use super::interrupt::Interrupt;
use super::rollback::{Desk, clear_up, drop_left_overs};
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Imported, ProjectInfo, Reason};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::databases::{self, Like, Mark, Standing};
use crate::postgres::import::{Loaded, Source, load, prepare};
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::postgres::snapshot::read_database_info;
use crate::postgres::structure;
use crate::postgres::url::DatabaseUrl;
use crate::store::Store;
use std::path::Path;

/// In the mark of the scratch database, in place of a backup's id.
const MARK: &str = "import";

/// A file that is in the store now.
pub struct Done {
    pub taken: Taken,
    pub loaded: Loaded,
}

/// Loads an archive or a script of `pg_dump` into a scratch database beside the URL's, takes both kinds of backup of it
/// under the name of the URL's database, and drops it, also after a failure and an interrupt. Scratch databases that a
/// killed one left are dropped first. The live database is not touched.
///
/// # Errors
/// `Usage` where the file is none of one database; `Other` where it is cut off, or this role may not create databases;
/// `Server`, with the line and the reason; `Locked` while a rollback is at work; `Tool`; `Store`; `Interrupted`.
pub async fn import(
    url: &DatabaseUrl,
    store: &Store,
    file: &Path,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Done> {
    let imported = load_beside(url, store, file, observer, interrupt).await;
    observer.on(Event::StageDone);
    imported.map_err(|mut error| {
        if error.kind == ErrorKind::Interrupted {
            error.message =
                "Interrupted while importing. No backup was made, the scratch database was dropped".to_owned();
        } else if !error.message.contains("o backup was made") {
            error = error.promising_nothing();
            error.message = format!("{}. No backup was made", error.message.trim_end_matches('.'));
        }
        error
    })
}

async fn load_beside(
    url: &DatabaseUrl,
    store: &Store,
    file: &Path,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Done> {
    let mut desk = interrupt.or(Desk::open(url)).await?;
    let source = Source::open(file, read_database_info(&mut desk.session).await?.server_version)?;
    interrupt.or(drop_left_overs(&mut desk.session, url)).await?;
    if !databases::me(&mut desk.session).await?.may_create_databases {
        let message = "A file is loaded into a scratch database first, and this role may not create databases";
        return Err(Error::new(ErrorKind::Other, message).hint("Use a role that may: --url."));
    }
    let scratch = databases::free_name(&url.database, Standing::Scratch);
    let loading = async {
        create(&mut desk.session, url, &scratch).await?;
        fault::at("import.made");
        take(&url.with_database(&scratch), url, store, file, &source, observer).await
    };
    let taken = interrupt.or(loading).await;
    let dropped = async { databases::drop_if_exists(&mut desk.again(url).await?, &scratch).await };
    let dropped = clear_up(interrupt, dropped).await;
    match (taken, dropped) {
        (taken, Ok(())) => taken,
        (Ok(done), Err(error)) => {
            let note =
                format!("The scratch database {scratch} could not be dropped ({error}): `safemigrate recover` does");
            observer.on(Event::Note(note));
            Ok(done)
        }
        (Err(first), Err(error)) => {
            let message =
                format!("The scratch database {scratch} of the import could not be dropped after it failed ({first})");
            Err(Error::new(ErrorKind::Server, message).hint("`safemigrate recover` drops it.").because(error))
        }
    }
}

/// Sorts and encodes as the live one; where there is none, as the server does.
async fn create(desk: &mut PgConnection, url: &DatabaseUrl, scratch: &str) -> Result<()> {
    let live = databases::find(desk, &url.database).await?;
    let encoding = live.as_ref().map_or("UTF8", |live| &live.encoding);
    let like = Like { encoding, locale: live.as_ref().map(|live| &live.locale), live: live.as_ref() };
    let (live, backup) = (url.database.clone(), MARK.to_owned());
    let mark = Mark { safemigrate: Standing::Scratch, live, backup, comment: None };
    databases::create(desk, scratch, &like, &mark).await
}

async fn take(
    scratch: &DatabaseUrl,
    url: &DatabaseUrl,
    store: &Store,
    file: &Path,
    source: &Source,
    observer: &dyn Observer,
) -> Result<Done> {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    observer.on(Event::Stage { label: format!("Loading {name} into a scratch database"), total_bytes: source.bytes });
    let mut session = connect(scratch).await?;
    structure::prepare_session(&mut session).await?;
    prepare(&mut session).await?;
    let loaded = load(&mut session, source, |bytes| observer.on(Event::Bytes(bytes))).await?;
    // a session of its own: the file may have changed the settings of that one
    structure::close(vec![session]).await?;
    fault::at("import.loaded");
    let migrations = prisma_journal::read(&mut connect(scratch).await?, url.prisma_schema()).await?;
    let migrations: Vec<String> = migrations.into_iter().filter(|m| m.is_applied()).map(|m| m.name).collect();
    let project = (!migrations.is_empty()).then_some(ProjectInfo { prisma: None, git_commit: None, migrations });
    let request = Request { kinds: Kinds::Both, reason: Reason::Manual, run: None, project, read: ReadRows::All };
    let origin = Origin { database: url.database.clone(), imported: Imported { file: name } };
    let taken = take_imported(scratch, store, &request, &origin, observer).await?;
    Ok(Done { taken, loaded })
}
