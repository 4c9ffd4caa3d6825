//! Other sessions that write while a migration runs: what they do must not be laid at its door.

use crate::domain::compare::Verification;
use crate::domain::schema::Catalog;
use crate::domain::touched::Touched;
use crate::error::Result;
use crate::postgres::PgConnection;
use crate::postgres::catalog::read_catalog;
use crate::postgres::writers::{has_code_of_its_own, others_are_connected};

/// What was there before Prisma was started.
pub struct Scenery {
    catalog: Catalog,
    has_code_of_its_own: bool,
    others_were_connected: bool,
}

impl Scenery {
    /// # Errors
    /// `Server`.
    pub async fn read(connection: &mut PgConnection) -> Result<Self> {
        Ok(Self {
            catalog: read_catalog(connection).await?,
            has_code_of_its_own: has_code_of_its_own(connection).await?,
            others_were_connected: others_are_connected(connection).await?,
        })
    }

    /// What scripts can have touched. Where nobody else is connected whatever is gone is theirs, whatever they say.
    pub fn touched(&self, scripts: &[String], default_schema: &str, others_are_connected: bool) -> Touched {
        let others = self.others_were_connected || others_are_connected;
        if !others || self.has_code_of_its_own {
            return Touched::Everything;
        }
        Touched::by(scripts, default_schema, &self.catalog)
    }
}

/// For the user: what others have done meanwhile; `None` where they did nothing that can be seen.
pub fn told(verification: &Verification) -> Option<String> {
    let theirs = verification.tables.iter().filter(|t| !t.by_others.is_nothing());
    let each: Vec<String> = theirs
        .map(|t| {
            format!(
                "{} (rows deleted: {}, values changed: {})",
                t.table, t.by_others.rows_deleted, t.by_others.values_changed
            )
        })
        .collect();
    (!each.is_empty()).then(|| {
        format!("Other sessions wrote while the migration ran, where its SQL does not reach: {}", each.join(", "))
    })
}
