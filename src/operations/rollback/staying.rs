//! What a restore in place leaves as it is, because it is not this role's to change: it has to be as in the backup already.

use super::Blueprint;
use super::kept::Kept;
use super::prove::Words;
use crate::domain::manifest::Manifest;
use crate::error::Result;
use crate::postgres::structure::{self, Entry};
use crate::postgres::tools::{self, Program};
use crate::postgres::url::DatabaseUrl;
use std::collections::BTreeMap;

/// What stays and differs from the backup, each as a reason against a restore in place.
///
/// # Errors
/// `Tool`; `Server`.
pub(super) async fn against_staying(
    url: &DatabaseUrl,
    backup: &Manifest,
    blueprint: &Blueprint,
    kept: &Kept,
    server_version: u32,
) -> Result<Vec<String>> {
    let pg_dump = tools::find(Program::PgDump, server_version)?;
    if Words::of(backup, &pg_dump) == Words::OfTwoVersions {
        // what differs is named after the restore
        return Ok(Vec::new());
    }
    let found = structure::describe(&pg_dump, url, server_version).await?;
    Ok(differing(kept, found.iter(), blueprint.entries()))
}

fn differing<'a>(
    kept: &Kept,
    found: impl Iterator<Item = &'a Entry>,
    wanted: impl Iterator<Item = &'a Entry>,
) -> Vec<String> {
    let mut balance: BTreeMap<(String, String), i32> = BTreeMap::new();
    for entry in found.filter(|e| kept.stays(e)) {
        *balance.entry((entry.label(), entry.statements())).or_default() += 1;
    }
    for entry in wanted.filter(|e| kept.stays(e)) {
        *balance.entry((entry.label(), entry.statements())).or_default() -= 1;
    }
    let mut labels: Vec<String> = balance.into_iter().filter(|(_, n)| *n != 0).map(|((label, _), _)| label).collect();
    labels.dedup();
    labels.into_iter().map(|label| format!("{label} is not as in the backup, and not this role's to change")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_has_to_be_equal() {
        let acl = |name: &str, owner: &str, sql: &str| Entry {
            kind: "ACL".into(),
            schema: None,
            name: name.into(),
            owner: Some(owner.into()),
            sql: sql.into(),
        };
        let kept = Kept { foreign_roles: ["boss".to_owned()].into(), ..Kept::default() };
        let there = [acl("SCHEMA theirs", "boss", "GRANT a;\nGRANT b;\n"), acl("SCHEMA mine", "me", "GRANT a;\n")];
        let same = [acl("SCHEMA theirs", "boss", "--\nGRANT b;\nGRANT a;\n")];
        assert_eq!(differing(&kept, there.iter(), same.iter()), Vec::<String>::new());
        for other in [vec![acl("SCHEMA theirs", "boss", "GRANT a;\n")], vec![]] {
            let said = differing(&kept, there.iter(), other.iter());
            assert_eq!(said, ["ACL SCHEMA theirs is not as in the backup, and not this role's to change"]);
        }
    }
}
