//! Rename rescue: what Prisma drafts as DROP and ADD may be a new name, or another type, of what is there. The values stay
//! where the migration says so.

mod columns;
pub mod draft;
mod plan;

pub use plan::{Instead, Plan};

use super::names::{QualifiedName, quote_ident};
use super::reinsert::empty::{TypeShape, Types};
use super::schema::{Catalog, Table};
use columns::renamed_columns;
use draft::{Draft, NewColumn, NewTable, catalog_type};

/// What may be meant by a drop and an add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rescue {
    Enum {
        from: QualifiedName,
        to: QualifiedName,
    },
    Table {
        from: QualifiedName,
        to: QualifiedName,
        /// Of a join table of two models that are still there: nobody has to be asked.
        join: Option<Join>,
    },
    Column {
        table: QualifiedName,
        from: String,
        to: String,
        ty: String,
    },
    /// The column keeps its name.
    Type {
        table: QualifiedName,
        column: String,
        from: String,
        /// As the draft writes it.
        to: String,
        /// Foreign keys of it and to it, by table and name: they stand in the way, and Prisma makes them anew.
        keys: Vec<(QualifiedName, String)>,
    },
}

/// What becomes of the two columns of a join table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    Stays,
    /// The models stand in another order by their new names: `A` and `B` change places, also in the primary key.
    Swaps {
        /// Its name before and after; `None` where it has none.
        primary_key: Option<(String, String)>,
    },
}

/// What is known of the database at the point of the draft.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub catalog: &'a Catalog,
    pub types: &'a Types,
    pub default_schema: &'a str,
}

/// What to ask next, without what was declined: types first, then tables, then columns, because each changes how the next
/// looks.
pub fn candidates(draft: &Draft, known: Known<'_>, declined: &[Rescue]) -> Vec<Rescue> {
    let is_new = |rescue: &Rescue| !declined.iter().any(|other| other.ends() == rescue.ends());
    let new = |found: Vec<Rescue>| -> Vec<Rescue> { found.into_iter().filter(is_new).collect() };
    let enums = new(enums(draft, known));
    if !enums.is_empty() {
        return once_each(enums);
    }
    let tables = new(tables(draft, known));
    if !tables.is_empty() {
        return once_each(tables);
    }
    let sides = new(exchanged_sides(draft, known));
    if !sides.is_empty() {
        return sides;
    }
    let mut columns = new(types(draft, known));
    columns.extend(once_each(new(renamed_columns(draft, known))));
    columns
}

/// Neither what goes nor what comes is in two of them.
fn once_each(found: Vec<Rescue>) -> Vec<Rescue> {
    let mut kept: Vec<Rescue> = Vec::new();
    for rescue in found {
        let (from, to) = rescue.ends();
        if !kept.iter().any(|other| other.ends().0 == from || other.ends().1 == to) {
            kept.push(rescue);
        }
    }
    kept
}

fn enums(draft: &Draft, known: Known<'_>) -> Vec<Rescue> {
    let mut found = Vec::new();
    for from in &draft.dropped_types {
        let labels = known.types.iter().find(|(name, _)| is_type(name, from)).map(|(_, shape)| shape);
        let Some(TypeShape::Enum { labels }) = labels else { continue };
        let twins = draft.created_enums.iter().filter(|(to, new)| new == labels && to != from);
        found.extend(twins.map(|(to, _)| Rescue::Enum { from: from.clone(), to: to.clone() }));
    }
    found
}

fn is_type(catalog_name: &str, name: &QualifiedName) -> bool {
    catalog_type(catalog_name).is_some_and(|ty| !ty.is_array && &ty.name == name)
}

fn tables(draft: &Draft, known: Known<'_>) -> Vec<Rescue> {
    let mut found: Vec<(usize, Rescue)> = Vec::new();
    for from in &draft.dropped_tables {
        let Some(old) = known.catalog.table(from) else { continue };
        for new in &draft.created_tables {
            let join = join(old, new, draft, known);
            // join tables are all alike: which is which is only known from what they join
            let alike = if is_join(old) && is_join_now(new) { join.as_ref().map(|_| 0) } else { likeness(old, new) };
            let Some(likeness) = alike else { continue };
            found.push((likeness, Rescue::Table { from: from.clone(), to: new.name.clone(), join }));
        }
    }
    found.sort_by_key(|(likeness, _)| std::cmp::Reverse(*likeness));
    found.into_iter().map(|(_, rescue)| rescue).collect()
}

fn is_join(table: &Table) -> bool {
    table.columns.iter().map(|c| c.name.as_str()).eq(["A", "B"])
}

fn is_join_now(table: &NewTable) -> bool {
    table.columns.iter().map(|c| c.name.as_str()).eq(["A", "B"])
}

/// In a thousand, how much of the two is alike; `None`: too little to ask.
fn likeness(old: &Table, new: &NewTable) -> Option<usize> {
    let same = old.columns.iter().filter(|column| {
        let twin = new.columns.iter().find(|c| c.name == column.name);
        twin.zip(catalog_type(&column.type_name)).is_some_and(|(twin, ty)| twin.ty.name == ty.name)
    });
    let same = same.count();
    let all = old.columns.len().max(new.columns.len()).max(1);
    (same * 2 >= all).then_some(same * 1000 / all)
}

/// What a join table joined and what it joins now, where these are the same two.
fn join(old: &Table, new: &NewTable, draft: &Draft, known: Known<'_>) -> Option<Join> {
    let then = |column: &str| {
        let key = known.catalog.foreign_keys.iter().find(|k| k.table == old.name && k.columns == [column])?;
        // one that is dropped has not been asked for yet, or was said to be another
        Some(&key.referenced).filter(|table| !draft.dropped_tables.contains(table))
    };
    let now = |column: &str| new.references.iter().find(|(own, _)| own == column).map(|(_, table)| table);
    if !is_join(old) || !is_join_now(new) {
        return None;
    }
    let (then, now) = ((then("A")?, then("B")?), (now("A")?, now("B")?));
    if then == now {
        return Some(Join::Stays);
    }
    let key = (!old.primary_key.is_empty()).then(|| new.primary_key.clone()).flatten();
    let primary_key = key.map(|to| (join_key(old), to));
    (then == (now.1, now.0)).then_some(Join::Swaps { primary_key })
}

/// The primary key of a join table, as Prisma calls it.
fn join_key(table: &Table) -> String {
    format!("{}_AB_pkey", table.name.name)
}

/// Join tables with a name of their own keep it when a model that they join is renamed, but their sides may stand the other
/// way round: Prisma then only exchanges the foreign keys, and every link leads to other rows, if these are there.
fn exchanged_sides(draft: &Draft, known: Known<'_>) -> Vec<Rescue> {
    let is_exchanged = |table: &&Table| {
        let then = |column: &str| {
            let mut keys = known.catalog.foreign_keys.iter();
            keys.find(|key| key.table == table.name && key.columns == [column]).map(|key| &key.referenced)
        };
        let sides = then("A").zip(then("B"));
        let exchanged = draft.reference(&table.name, "B").zip(draft.reference(&table.name, "A"));
        is_join(table) && sides.is_some_and(|(a, b)| a != b) && sides == exchanged
    };
    let tables = known.catalog.tables.iter().filter(is_exchanged);
    let rescue = |table: &Table| {
        let primary_key = (!table.primary_key.is_empty()).then(|| (join_key(table), join_key(table)));
        let (from, to) = (table.name.clone(), table.name.clone());
        Rescue::Table { from, to, join: Some(Join::Swaps { primary_key }) }
    };
    tables.map(rescue).collect()
}

/// Columns that go and come back under their name.
fn types(draft: &Draft, known: Known<'_>) -> Vec<Rescue> {
    let mut found = Vec::new();
    for (table, column) in &draft.dropped_columns {
        let added = draft.added_columns.iter().find(|(t, new)| t == table && &new.name == column);
        let old = known.catalog.table(table).and_then(|t| t.column(column));
        let Some(((_, new), old)) = added.zip(old) else { continue };
        if !old.generated && !is_serial(new) {
            let (from, to) = (old.type_name.clone(), new.written.clone());
            let keys = known.catalog.foreign_keys.iter().filter(|key| {
                &key.table == table && key.columns.contains(column)
                    || &key.referenced == table && key.referenced_columns.contains(column)
            });
            let keys = keys.map(|key| (key.table.clone(), key.name.clone())).collect();
            found.push(Rescue::Type { table: table.clone(), column: column.clone(), from, to, keys });
        }
    }
    found
}

fn is_serial(new: &NewColumn) -> bool {
    new.written.to_lowercase().ends_with("serial")
}

impl Rescue {
    fn ends(&self) -> (String, String) {
        match self {
            Self::Enum { from, to } | Self::Table { from, to, .. } => (from.to_string(), to.to_string()),
            Self::Column { table, from, to, .. } => (format!("{table}.{from}"), format!("{table}.{to}")),
            Self::Type { table, column, .. } => (format!("{table}.{column}"), format!("{table}.{column}")),
        }
    }

    /// Whether what was agreed on before leaves no doubt.
    pub fn is_implied(&self) -> bool {
        matches!(self, Self::Table { join: Some(_), .. })
    }

    /// What a person is asked. A name in `default_schema` stands alone.
    pub fn question(&self, default_schema: &str) -> String {
        let shown = |name: &QualifiedName| shown(name, default_schema);
        match self {
            Self::Enum { from, to } => format!("Was the enum {} renamed to {}?", shown(from), shown(to)),
            Self::Table { from, to, .. } if from == to => {
                format!(
                    "The models that {} joins stand the other way round now. Shall its sides change places, too?",
                    shown(from)
                )
            }
            Self::Table { from, to, .. } => format!("Was the table {} renamed to {}?", shown(from), shown(to)),
            Self::Column { table, from, to, .. } => format!("Was {}.{from} renamed to {to}?", shown(table)),
            Self::Type { table, column, from, to, .. } => {
                format!("{}.{column} goes from {from} to {to}: every value fits. Keep the values?", shown(table))
            }
        }
    }

    /// What happens without it.
    pub fn otherwise(&self, default_schema: &str) -> String {
        let shown = |name: &QualifiedName| shown(name, default_schema);
        match self {
            Self::Enum { from, .. } => {
                format!("Prisma drops the columns of the enum {} and makes them anew", shown(from))
            }
            Self::Table { from, to, .. } if from == to => {
                format!(
                    "Prisma exchanges its foreign keys alone, and every link in {} leads to other rows",
                    shown(from)
                )
            }
            Self::Table { from, to, .. } => {
                format!("Prisma drops {} with its rows and makes {} empty", shown(from), shown(to))
            }
            Self::Column { table, from, to, .. } => {
                format!("Prisma drops {}.{from} with its values and makes {to} empty", shown(table))
            }
            Self::Type { table, column, .. } => {
                format!("Prisma drops {}.{column} with its values and makes it anew", shown(table))
            }
        }
    }

    /// The table, and its column, as they will be called; `None` for an enum.
    pub fn becomes(&self) -> Option<(&QualifiedName, Option<&str>)> {
        match self {
            Self::Enum { .. } => None,
            Self::Table { to, .. } => Some((to, None)),
            Self::Column { table, to: column, .. } | Self::Type { table, column, .. } => Some((table, Some(column))),
        }
    }

    /// The SQL that keeps the values. `using`: the conversion of a type. A name in `default_schema` stands alone, as Prisma
    /// writes it.
    pub fn statements(&self, default_schema: &str, using: Option<&str>) -> Vec<String> {
        let sql = |name: &QualifiedName| {
            if name.schema == default_schema { quote_ident(&name.name) } else { name.sql() }
        };
        match self {
            Self::Enum { from, to } => vec![format!("ALTER TYPE {} RENAME TO {};", sql(from), quote_ident(&to.name))],
            Self::Table { from, to, join } => {
                let mut all = Vec::new();
                if from.name != to.name {
                    all.push(format!("ALTER TABLE {} RENAME TO {};", sql(from), quote_ident(&to.name)));
                }
                if from.schema != to.schema {
                    let moved = QualifiedName::new(from.schema.clone(), to.name.clone());
                    all.push(format!("ALTER TABLE {} SET SCHEMA {};", sql(&moved), quote_ident(&to.schema)));
                }
                if let Some(Join::Swaps { primary_key }) = join {
                    all.extend(swap(&sql(to), primary_key.as_ref()));
                }
                all
            }
            Self::Column { table, from, to, .. } => {
                vec![format!("ALTER TABLE {} RENAME COLUMN {} TO {};", sql(table), quote_ident(from), quote_ident(to))]
            }
            Self::Type { table, column, from, to, keys } => {
                let drop = |(table, key): &(QualifiedName, String)| {
                    // the column at its other end may have been asked for before
                    format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {};", sql(table), quote_ident(key))
                };
                keys.iter().map(drop).chain([change_type(&sql(table), column, (from, to), using)]).collect()
            }
        }
    }
}

/// A name as it is said.
fn shown(name: &QualifiedName, default_schema: &str) -> String {
    if name.schema == default_schema { name.name.clone() } else { name.to_string() }
}

fn change_type(table: &str, column: &str, (from, to): (&str, &str), using: Option<&str>) -> String {
    let quoted = quote_ident(column);
    let using = using.map_or_else(|| format!("{quoted}::{to}"), str::to_owned);
    // to Prisma no list is required, and its client leaves out the empty ones
    let optional =
        if becomes_list(from, to) { format!(",\nALTER COLUMN {quoted} DROP NOT NULL") } else { String::new() };
    // an old default may not have a cast of its own; Prisma's next statements set the new one
    format!(
        "ALTER TABLE {table} ALTER COLUMN {quoted} DROP DEFAULT,\nALTER COLUMN {quoted} TYPE {to} USING {using}{optional};"
    )
}

fn becomes_list(from: &str, to: &str) -> bool {
    let is_list = |ty| catalog_type(ty).is_some_and(|ty| ty.is_array);
    is_list(to) && !is_list(from)
}

fn swap(table: &str, primary_key: Option<&(String, String)>) -> Vec<String> {
    let rename = |from: &str, to: &str| format!("ALTER TABLE {table} RENAME COLUMN \"{from}\" TO \"{to}\";");
    let mut all = vec![rename("A", "_"), rename("B", "A"), rename("_", "B")];
    if let Some((from, to)) = primary_key {
        all.push(format!(
            "ALTER TABLE {table} DROP CONSTRAINT {},\nADD CONSTRAINT {} PRIMARY KEY (\"A\", \"B\");",
            quote_ident(from),
            quote_ident(to)
        ));
    }
    all
}

/// Ways in which values may become values of another type, the most natural first; SQL over the quoted column.
pub fn conversions(column: &str, from: &str, to: &str) -> Vec<String> {
    let quoted = quote_ident(column);
    if becomes_list(from, to) {
        return vec![format!("CASE WHEN {quoted} IS NOT NULL THEN ARRAY[{quoted}]::{to} END")];
    }
    let to_type = catalog_type(to);
    let is_boolean = from == "boolean";
    let mut all = vec![format!("{quoted}::{to}"), format!("{quoted}::text::{to}")];
    if is_boolean {
        all.push(format!("{quoted}::integer::{to}"));
    }
    if to_type.is_some_and(|ty| ty.name.name == "jsonb") {
        all.push(format!("to_jsonb({quoted})"));
    }
    all
}

#[cfg(test)]
mod tests;
