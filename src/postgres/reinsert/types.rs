//! What the names of types stand for in the database of today.

use crate::domain::reinsert::empty::{TypeShape, Types};
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// Enums and domains, by name as the catalog writes column types.
///
/// # Errors
/// `Server`.
pub async fn read_shapes(connection: &mut PgConnection) -> Result<Types> {
    let ask = "SELECT format_type(t.oid, -1) AS name, t.typtype::text AS kind, format_type(t.typbasetype, t.typtypmod) AS base,
                      ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels
               FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
               WHERE t.typtype IN ('e', 'd') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";
    let rows = sqlx::query(ask).fetch_all(connection).await.map_err(doing("reading the types"))?;
    let mut types = Types::new();
    for row in &rows {
        let get = |column: &str| row.try_get::<String, _>(column).map_err(doing("reading the types"));
        let shape = match get("kind")?.as_str() {
            "e" => TypeShape::Enum { labels: row.try_get("labels").map_err(doing("reading the types"))? },
            _ => TypeShape::Domain { base: get("base")? },
        };
        types.insert(get("name")?, shape);
    }
    Ok(types)
}

/// A type as far as casting goes. Of a domain, `kind` and `category` are those of the type below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeInfo {
    /// The name without length or precision, safe in a cast: `bpchar`, `public."Role"`.
    pub plain: String,
    /// `typtype`: b(ase), c(omposite), e(num), r(ange), m(ultirange).
    pub kind: String,
    /// `typcategory`: A(rray), B(oolean), N(umber), S(tring), D(ate), T(imespan) …
    pub category: String,
    /// The plain name of the type below a domain, else `plain`.
    pub base: String,
    /// Of an array: its elements' plain name.
    pub element: Option<String>,
    /// Of an array: whether its elements are labels of an enum.
    pub of_enum: bool,
    /// Characters that a string may have.
    pub max_length: Option<i32>,
}

impl TypeInfo {
    pub fn is_array(&self) -> bool {
        self.element.is_some()
    }

    /// What is left of an array whose type is gone: its elements as text. Of anything else only its own text is left.
    pub fn gone_array(type_name: &str) -> Option<Self> {
        type_name.ends_with("[]").then(|| Self {
            plain: "text[]".into(),
            kind: "b".into(),
            category: "A".into(),
            base: "text[]".into(),
            element: Some("text".into()),
            of_enum: true,
            max_length: None,
        })
    }

    pub fn is_string(&self) -> bool {
        self.category == "S"
    }

    pub fn is_number(&self) -> bool {
        self.category == "N"
    }

    pub fn is_json(&self) -> bool {
        matches!(self.base.as_str(), "json" | "jsonb")
    }
}

/// Looks up type names as backups and catalogs write them; those that are gone are missing from the answer.
///
/// # Errors
/// `Server`.
pub async fn read_types(connection: &mut PgConnection, names: &[String]) -> Result<HashMap<String, TypeInfo>> {
    let ask = r#"
        WITH RECURSIVE wanted AS (
            SELECT w.name, to_regtype(w.name)::oid AS oid FROM unnest($1::text[]) AS w(name)),
        below AS (
            SELECT w.name, w.oid AS top, t.oid, t.typtype, t.typbasetype, t.typtypmod, -1 AS typmod
            FROM wanted w JOIN pg_type t ON t.oid = w.oid
            UNION ALL
            SELECT b.name, b.top, t.oid, t.typtype, t.typbasetype, t.typtypmod, b.typtypmod
            FROM below b JOIN pg_type t ON b.typtype = 'd' AND t.oid = b.typbasetype)
        SELECT b.name, format_type(b.top, -1) AS plain, t.typtype::text AS kind, t.typcategory::text AS category,
               format_type(t.oid, -1) AS base, b.typmod,
               CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN format_type(t.typelem, -1) END AS element,
               EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'e') AS of_enum
        FROM below b JOIN pg_type t ON t.oid = b.oid WHERE b.typtype <> 'd'"#;
    let rows = sqlx::query(ask).bind(names).fetch_all(connection).await.map_err(doing("reading the types"))?;
    let mut types = HashMap::new();
    for row in &rows {
        let get = |column: &str| row.try_get::<String, _>(column).map_err(doing("reading the types"));
        let (name, base) = (get("name")?, get("base")?);
        let typmod: i32 = row.try_get("typmod").map_err(doing("reading the types"))?;
        let declared = declared_length(&name).or_else(|| (typmod > 4).then(|| typmod - 4));
        let info = TypeInfo {
            plain: get("plain")?,
            kind: get("kind")?,
            category: get("category")?,
            element: row.try_get("element").map_err(doing("reading the types"))?,
            of_enum: row.try_get("of_enum").map_err(doing("reading the types"))?,
            max_length: if base == "character varying" { declared } else { None },
            base,
        };
        types.insert(name, info);
    }
    Ok(types)
}

fn declared_length(type_name: &str) -> Option<i32> {
    type_name.strip_prefix("character varying(")?.strip_suffix(')')?.parse().ok()
}
