//! The shadow database: Prisma empties it whenever it drafts a migration, so it must not be anybody's real one.

use crate::domain::guard::{Identity, registry};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::mark::read_mark;
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::postgres::surroundings::identity;
use crate::postgres::url::DatabaseUrl;

/// # Errors
/// `Production` where the shadow database is the database itself, a registered or marked one, or one that migrations were
/// applied to. Nothing was changed.
pub async fn refuse_a_real_one(shadow: &DatabaseUrl, real: &Identity, registered: &[Identity]) -> Result<()> {
    // one that is not there, or does not let us in, is Prisma's to complain about
    let Ok(mut connection) = connect(shadow).await else { return Ok(()) };
    let here = identity(&mut connection).await?;
    let marked = read_mark(&mut connection).await?.is_some();
    let migrated = !prisma_journal::read(&mut connection, shadow.prisma_schema()).await?.is_empty();
    let what = if here.system.is_some() && here.is_same_as(real) {
        "is the database itself"
    } else if marked || registry::find(registered, &here).is_some() {
        "is a production database, or a copy of one"
    } else if migrated {
        "is a database that migrations were applied to"
    } else {
        return Ok(());
    };
    let message =
        format!("shadowDatabaseUrl leads to {shadow}, which {what}: Prisma would empty it. Nothing was changed");
    Err(Error::new(ErrorKind::Production, message).hint(
        "Name an empty database of its own as shadowDatabaseUrl, or none: Prisma makes one for itself where it may.",
    ))
}
