//! Sequences go forward, never back: to where the backup had them and to where the rows need them.

use super::matching::targets;
use super::names::{Found, Name, find_table};
use super::options::Options;
use super::plan::TablePlan;
use crate::domain::manifest::Manifest;
use crate::domain::names::QualifiedName;
use crate::domain::schema::{Catalog, Sequence};
use serde::Serialize;

/// A sequence of today that the rows or the backup may push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SequencePlan {
    pub name: QualifiedName,
    /// Negative for a descending one.
    pub increment: i64,
    /// Where the backup had it: last value, and whether it had been handed out.
    pub in_backup: Option<(i64, bool)>,
    /// The columns whose values it must stay ahead of.
    pub columns: Vec<(QualifiedName, String)>,
}

/// Where a sequence has to stand at the end, if not where it stands: `(last value, handed out)`.
pub fn forward(increment: i64, now: (i64, bool), wanted: &[(i64, bool)]) -> Option<(i64, bool)> {
    // of two equal values the one that was handed out is further on
    let rank = |state: &(i64, bool)| (if increment < 0 { -i128::from(state.0) } else { i128::from(state.0) }, state.1);
    wanted.iter().copied().max_by_key(rank).filter(|best| rank(best) > rank(&now))
}

pub fn plan_sequences(backup: &Manifest, now: &Catalog, tables: &[TablePlan], options: &Options) -> Vec<SequencePlan> {
    let mut plans = Vec::new();
    for sequence in &now.sequences {
        let columns = fed_columns(sequence, now, tables);
        let owned_elsewhere = sequence.owner.is_some() || !options.tables.is_empty();
        if columns.is_empty() && owned_elsewhere {
            continue;
        }
        let then = in_backup(sequence, backup, tables).filter(|s| (s.increment < 0) == (sequence.increment < 0));
        plans.push(SequencePlan {
            name: sequence.name.clone(),
            increment: sequence.increment,
            in_backup: then.map(|s| (s.last_value, s.is_called)),
            columns,
        });
    }
    plans
}

/// The columns that rows go into and that get their numbers from this sequence.
fn fed_columns(sequence: &Sequence, now: &Catalog, tables: &[TablePlan]) -> Vec<(QualifiedName, String)> {
    let mut fed: Vec<(QualifiedName, String)> = Vec::new();
    let in_plan =
        |name: &QualifiedName| tables.iter().any(|t| &t.table == name || t.partition_root.as_ref() == Some(name));
    for table in targets(now).filter(|t| in_plan(&t.name)) {
        for column in &table.columns {
            let owns = sequence.owner.as_ref().is_some_and(|(t, c)| t == &table.name && c == &column.name);
            let default = column.default.as_deref().and_then(sequence_of_default);
            let calls =
                default.is_some_and(|name| find_table(&name, std::iter::once(&sequence.name)) != Found::Nothing);
            let numeric =
                ["smallint", "integer", "bigint", "numeric"].contains(&super::empty::bare(&column.type_name).as_str());
            if (owns || calls) && numeric {
                fed.push((table.name.clone(), column.name.clone()));
            }
        }
    }
    fed
}

/// The sequence that `nextval('…'::regclass)` names; the catalog writes it with its schema.
fn sequence_of_default(default: &str) -> Option<Name> {
    let (_, rest) = default.split_once("nextval('")?;
    let (name, _) = rest.split_once("'::regclass")?;
    let mut name = Name::parse(&name.replace("''", "'"))?;
    // the catalog quotes where a capital stands: what is bare is meant exactly as well
    name.0.iter_mut().for_each(|part| part.quoted = true);
    Some(name)
}

/// The same sequence then: that of the column which the owner's values come from, else the one of the same name.
fn in_backup<'b>(sequence: &Sequence, backup: &'b Manifest, tables: &[TablePlan]) -> Option<&'b Sequence> {
    let by_owner = sequence.owner.as_ref().and_then(|(table, column)| {
        let mut plans = tables.iter().filter(|t| &t.table == table);
        plans.find_map(|plan| {
            let from = plan.columns.iter().find(|c| &c.column == column)?.from()?;
            let owner = Some((plan.from.clone(), from.to_owned()));
            backup.sequences.iter().find(|s| s.owner == owner)
        })
    });
    by_owner.or_else(|| {
        let same = backup.sequences.iter().find(|s| s.name == sequence.name)?;
        // one that belonged to another column then says nothing about this one
        let other = same.owner.is_some() && sequence.owner.is_some() && same.owner != sequence.owner;
        (!other).then_some(same)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_goes_back() {
        assert_eq!(forward(1, (10, true), &[(10, false), (9, true)]), None);
        assert_eq!(forward(1, (10, false), &[(10, true)]), Some((10, true)));
        assert_eq!(forward(1, (1, false), &[(7, true), (12, false)]), Some((12, false)));
        assert_eq!(forward(-1, (-3, true), &[(-2, true), (-9, true)]), Some((-9, true)));
        assert_eq!(forward(-1, (i64::MIN, true), &[(i64::MAX, true)]), None);
    }

    #[test]
    fn reads_the_sequence_of_a_default() {
        let name = |text: &str| sequence_of_default(text).map(|n| n.to_string());
        assert_eq!(name("nextval('public.\"User_id_seq\"'::regclass)").as_deref(), Some("public.User_id_seq"));
        assert_eq!(name("(1000 + nextval('s.\"it''s\"'::regclass))").as_deref(), Some("s.it's"));
        assert_eq!(name("now()"), None);
    }
}
