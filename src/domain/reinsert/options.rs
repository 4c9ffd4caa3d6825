//! The options of `reinsert` and how they are read from the command line.

use super::names::Name;
use crate::error::{Error, ErrorKind, Result};
use serde::Serialize;

/// What to do with a row whose key is already there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Leave the live row.
    #[default]
    Skip,
    /// Write only into columns that are NULL or at their default.
    Fill,
    /// Overwrite the columns that the backup knows.
    Update,
    /// Empty the tables first.
    Replace,
}

impl OnConflict {
    const ALL: [Self; 4] = [Self::Skip, Self::Fill, Self::Update, Self::Replace];

    /// As `--on-conflict` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Fill => "fill",
            Self::Update => "update",
            Self::Replace => "replace",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// What to do with a row that does not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rejects {
    /// Change nothing at all.
    #[default]
    Fail,
    /// Write it with the reason into `rejects/` of the store and go on.
    Save,
}

impl Rejects {
    const ALL: [Self; 2] = [Self::Fail, Self::Save];

    /// As `--rejects` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Save => "save",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// `--map`: `Old=New` or `Table.old=new`; which of the two is decided when the names are looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Map {
    pub from: Name,
    pub to: Name,
}

/// `--fill` and `--cast`: an SQL expression for a column. `--fill` names the column as it is NOW.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fill {
    pub column: Name,
    pub sql: String,
}

/// `--map-value`: a value of an OLD column, as text, and the text that takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueMap {
    pub column: Name,
    pub from: String,
    pub to: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Options {
    pub maps: Vec<Map>,
    pub fills: Vec<Fill>,
    pub value_maps: Vec<ValueMap>,
    /// The expression sees the OLD row: its columns under their old names and types.
    pub casts: Vec<Fill>,
    /// Only these tables; all when empty. Old or new names.
    pub tables: Vec<Name>,
    pub on_conflict: OnConflict,
    pub rejects: Rejects,
}

fn wrong(flag: &str, text: &str, form: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{flag} {text}: the form is {form}. Nothing was changed"))
        .hint("Names with dots, equal signs or spaces go into double quotes: --map '\"odd.name\"=Plain'.")
}

/// Reads `Old=New`, `schema.Old=schema.New` or `Table.old=new`.
///
/// # Errors
/// `Usage` when it has another form.
pub fn parse_map(text: &str) -> Result<Map> {
    let error = || wrong("--map", text, "Old=New for a table, Table.old=new for a column");
    let (from, rest) = Name::read(text, &['=']).ok_or_else(error)?;
    let to = rest.strip_prefix('=').and_then(|to| Name::read(to, &['=']));
    let to = to.filter(|(_, rest)| rest.is_empty()).map(|(name, _)| name).ok_or_else(error)?;
    if from.0.len() > 3 || to.0.len() > 3 { Err(error()) } else { Ok(Map { from, to }) }
}

/// Reads `Table.column=SQL-EXPRESSION`, split at the first `=` outside of quotes.
///
/// # Errors
/// `Usage` when it has another form.
pub fn parse_fill(text: &str) -> Result<Fill> {
    parse_expression("--fill", text)
}

/// Reads `Table.column=SQL-EXPRESSION` of `--cast`.
///
/// # Errors
/// `Usage` when it has another form.
pub fn parse_cast(text: &str) -> Result<Fill> {
    parse_expression("--cast", text)
}

fn parse_expression(flag: &str, text: &str) -> Result<Fill> {
    let error = || wrong(flag, text, "Table.column=SQL-EXPRESSION");
    let (column, rest) = Name::read(text, &['=']).ok_or_else(error)?;
    let sql = rest.strip_prefix('=').map(str::trim).filter(|sql| !sql.is_empty()).ok_or_else(error)?;
    if matches!(column.0.len(), 2 | 3) { Ok(Fill { column, sql: sql.to_owned() }) } else { Err(error()) }
}

/// Reads `Table.column:old=new`; a value with an equal sign goes into double quotes. Both values may be empty.
///
/// # Errors
/// `Usage` when it has another form.
pub fn parse_map_value(text: &str) -> Result<ValueMap> {
    let error = || wrong("--map-value", text, "Table.column:old=new");
    let (column, rest) = Name::read(text, &[':']).ok_or_else(error)?;
    let values = rest.strip_prefix(':').ok_or_else(error)?;
    let (from, to) = match Name::read(values, &['=']) {
        Some((Name(parts), to)) if values.starts_with('"') && parts.len() == 1 && to.starts_with('=') => {
            (parts[0].text.clone(), &to[1..])
        }
        _ => values.split_once('=').map(|(from, to)| (from.to_owned(), to)).ok_or_else(error)?,
    };
    if matches!(column.0.len(), 2 | 3) { Ok(ValueMap { column, from, to: to.to_owned() }) } else { Err(error()) }
}

/// Reads a table's name of `--table`.
///
/// # Errors
/// `Usage` when it is none.
pub fn parse_table(text: &str) -> Result<Name> {
    Name::parse(text).filter(|n| n.0.len() <= 2).ok_or_else(|| wrong("--table", text, "Table or schema.Table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_maps() {
        let map = parse_map("Order = orders").unwrap();
        assert_eq!((map.from.to_string(), map.to.to_string()), ("Order".into(), "orders".into()));
        let map = parse_map(r#"app."odd=name".old=new"#).unwrap();
        assert_eq!((map.from.0.len(), map.from.0[1].text.as_str()), (3, "odd=name"));
        for text in ["Order", "=x", "a=", "a=b=c", "a.b.c.d=e"] {
            assert_eq!(parse_map(text).unwrap_err().kind.exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn splits_fills_at_the_first_equal_sign() {
        let fill = parse_fill("User.level=CASE WHEN a = b THEN 1 ELSE 2 END").unwrap();
        assert_eq!(fill.sql, "CASE WHEN a = b THEN 1 ELSE 2 END");
        assert!(
            parse_fill("level=1").is_err() && parse_fill("User.level=").is_err() && parse_fill("User.level").is_err()
        );
    }

    #[test]
    fn reads_value_maps() {
        let map = parse_map_value("Order.status:OLD=NEW=er").unwrap();
        assert_eq!((map.from.as_str(), map.to.as_str()), ("OLD", "NEW=er"));
        let map = parse_map_value("Order.status:\"a=b\"=").unwrap();
        assert_eq!((map.from.as_str(), map.to.as_str()), ("a=b", ""));
        let map = parse_map_value("O.at:2020-01-01 10:00:00=x").unwrap();
        assert_eq!(map.from, "2020-01-01 10:00:00");
        assert!(parse_map_value("status:a=b").is_err() && parse_map_value("O.status:a").is_err());
    }
}
