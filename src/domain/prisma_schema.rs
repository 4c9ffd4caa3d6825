//! What a Prisma schema declares, as far as it takes to see that something may have been renamed or may have got another
//! type: a question that is cheap to ask before Prisma itself is. In doubt the answer is yes.

use super::lint::SqlType;
use super::names::QualifiedName;
use super::reinsert::empty::{TypeShape, Types};
use super::rescue::draft::catalog_type;
use super::schema::{Catalog, Table};
use std::collections::BTreeSet;

/// The tables and enums of a schema, by their names in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    models: Vec<Model>,
    enums: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    /// In the database, and in the schema.
    name: String,
    declared: String,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    column: String,
    declared: String,
    /// `String`, `Role`; not known for `Unsupported`.
    ty: String,
    is_list: bool,
    /// `VarChar` of `@db.VarChar(20)`.
    native: Option<String>,
}

/// What a block is called in the schema and in the database.
struct Block {
    kind: String,
    name: String,
    mapped: Option<String>,
    lines: Vec<String>,
}

impl Declared {
    /// Reads the text of a schema, all its files one after the other.
    pub fn read(text: &str) -> Self {
        let blocks = blocks(text);
        let models: BTreeSet<&str> =
            blocks.iter().filter(|b| b.kind == "model" || b.kind == "view").map(|b| b.name.as_str()).collect();
        let of_kind = |kind: &'static str| blocks.iter().filter(move |b| b.kind == kind);
        let in_database = |name: &str| {
            let block = of_kind("enum").find(|b| b.name == name);
            block.and_then(|b| b.mapped.clone()).unwrap_or_else(|| name.to_owned())
        };
        let field = |line: &String| {
            let mut field = field(line).filter(|field| !models.contains(field.ty.as_str()))?;
            field.ty = in_database(&field.ty);
            Some(field)
        };
        let model = |block: &Block| Model {
            name: block.mapped.clone().unwrap_or_else(|| block.name.clone()),
            declared: block.name.clone(),
            fields: block.lines.iter().filter_map(field).collect(),
        };
        Self {
            models: of_kind("model").map(model).collect(),
            enums: of_kind("enum").map(|b| in_database(&b.name)).collect(),
        }
    }

    /// Whether something is gone while something of its kind is new, or a column has another type.
    pub fn may_rename(&self, catalog: &Catalog, types: &Types) -> bool {
        let tables: Vec<&Table> = catalog.tables.iter().filter(|t| is_a_models(t)).collect();
        let there = |name: &str| tables.iter().find(|t| t.name.name == name);
        let comes = self.models.iter().any(|m| there(&m.name).is_none());
        let goes = tables.iter().any(|t| !self.models.iter().any(|m| m.name == t.name.name));
        let in_tables = self.models.iter().any(|m| there(&m.name).is_some_and(|table| m.differs_from(table)));
        comes && goes || in_tables || self.enums_differ(types)
    }

    /// What a table, or its column, is called in the schema, where that is another name.
    pub fn name_of(&self, table: &str, column: Option<&str>) -> Option<String> {
        let model = self.models.iter().find(|model| model.name == table)?;
        let Some(column) = column else {
            return (model.declared != table).then(|| format!("model {}", model.declared));
        };
        let field = model.fields.iter().find(|field| field.column == column)?;
        let differs = model.declared != table || field.declared != column;
        differs.then(|| format!("field {}.{}", model.declared, field.declared))
    }

    fn enums_differ(&self, types: &Types) -> bool {
        let enums = types.iter().filter(|(_, shape)| matches!(shape, TypeShape::Enum { .. }));
        let names: Vec<String> = enums.filter_map(|(name, _)| Some(catalog_type(name)?.name.name)).collect();
        self.enums.iter().any(|e| !names.contains(e)) && names.iter().any(|n| !self.enums.contains(n))
    }
}

/// Join tables have no model, and leaves are their root's.
fn is_a_models(table: &Table) -> bool {
    let name: &QualifiedName = &table.name;
    !name.is_prisma_migrations() && !name.name.starts_with('_') && table.partition_root.is_none()
}

impl Model {
    fn differs_from(&self, table: &Table) -> bool {
        let comes = self.fields.iter().any(|f| table.column(&f.column).is_none());
        let goes = table.columns.iter().any(|c| !self.fields.iter().any(|f| f.column == c.name));
        let other_type = self.fields.iter().any(|f| {
            let ty = table.column(&f.column).and_then(|c| catalog_type(&c.type_name));
            ty.is_some_and(|ty| !f.is_of(&ty))
        });
        comes && goes || other_type
    }
}

impl Field {
    fn is_of(&self, ty: &SqlType) -> bool {
        if self.ty == "Unsupported" {
            return true;
        }
        let name = ty.name.name.as_str();
        let named = match &self.native {
            Some(native) => name == stored(native),
            None => match self.ty.as_str() {
                "String" => matches!(name, "text" | "citext"),
                "Int" => name == "int4",
                "BigInt" => name == "int8",
                "Boolean" => name == "bool",
                "Float" => name == "float8",
                "Decimal" => name == "numeric",
                "DateTime" => name == "timestamp",
                "Json" => name == "jsonb",
                "Bytes" => name == "bytea",
                other => name == other,
            },
        };
        named && self.is_list == ty.is_array
    }
}

/// PostgreSQL's name of what `@db.` calls so.
fn stored(native: &str) -> String {
    let lower = native.to_lowercase();
    let known = [
        ("integer", "int4"),
        ("smallint", "int2"),
        ("bigint", "int8"),
        ("boolean", "bool"),
        ("doubleprecision", "float8"),
        ("real", "float4"),
        ("decimal", "numeric"),
        ("jsonb", "jsonb"),
        ("bytea", "bytea"),
    ];
    known.iter().find(|(name, _)| *name == lower).map_or(lower, |(_, stored)| (*stored).to_owned())
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = without_comment(line).trim();
        let apart = line.replace('{', " {");
        let words: Vec<&str> = apart.split_whitespace().collect();
        match words.as_slice() {
            [kind @ ("model" | "enum" | "view"), name, "{", ..] if !open => {
                open = true;
                blocks.push(Block { kind: (*kind).into(), name: (*name).into(), mapped: None, lines: Vec::new() });
            }
            ["}", ..] => open = false,
            _ if open => {
                let Some(block) = blocks.last_mut() else { continue };
                if let Some(rest) = line.strip_prefix("@@map") {
                    block.mapped = quoted(rest);
                } else if !line.is_empty() && !line.starts_with("@@") {
                    block.lines.push(line.to_owned());
                }
            }
            _ => {}
        }
    }
    blocks
}

fn without_comment(line: &str) -> &str {
    let mut in_text = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => in_text = !in_text,
            '/' if !in_text && line[at..].starts_with("//") => return &line[..at],
            _ => {}
        }
    }
    line
}

fn quoted(text: &str) -> Option<String> {
    let from = text.find('"')? + 1;
    let to = text[from..].find('"')? + from;
    Some(text[from..to].to_owned())
}

fn field(line: &str) -> Option<Field> {
    let (name, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let ty: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let is_list = rest[ty.len()..].starts_with("[]");
    let native =
        rest.split_once("@db.").map(|(_, native)| native.chars().take_while(|c| c.is_alphanumeric()).collect());
    let mapped = rest.find("@map(").and_then(|at| quoted(&rest[at..]));
    let column = mapped.unwrap_or_else(|| name.to_owned());
    Some(Field { column, declared: name.to_owned(), ty, is_list, native })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::schema::Column;

    const SCHEMA: &str = r#"
        datasource db { provider = "postgresql" }
        enum Role { // roles
          ADMIN
          USER
          @@map("role")
        }
        /// a user
        model User {
          id      Int      @id @default(autoincrement())
          email   String   @unique @map("e_mail") // "x"
          role    Role     @default(USER)
          tags    String[]
          no      String   @db.VarChar(20)
          at      DateTime @db.Timestamptz(3)
          geo     Unsupported("point")?
          posts   Post[]
          @@index([email])
          @@map("users")
        }
        model Post {
          id   Int  @id
          user User @relation(fields: [userId], references: [id])
          userId Int
        }"#;

    fn catalog(users: &[(&str, &str)]) -> Catalog {
        let table = |name: &str, columns: &[(&str, &str)]| Table {
            name: QualifiedName::new("public", name),
            oid: 1,
            columns: columns
                .iter()
                .map(|(name, ty)| Column {
                    name: (*name).into(),
                    type_name: (*ty).into(),
                    number: 1,
                    not_null: true,
                    default: None,
                    identity: None,
                    generated: false,
                })
                .collect(),
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            partition_root: None,
            extension_condition: None,
        };
        let tables = vec![table("users", users), table("Post", &[("id", "integer"), ("userId", "integer")])];
        Catalog { tables, ..Catalog::default() }
    }

    fn types(name: &str) -> Types {
        Types::from([(name.to_owned(), TypeShape::Enum { labels: Vec::new() })])
    }

    const USERS: [(&str, &str); 7] = [
        ("id", "integer"),
        ("e_mail", "text"),
        ("role", "public.role"),
        ("tags", "text[]"),
        ("no", "character varying(20)"),
        ("at", "timestamp(3) with time zone"),
        ("geo", "point"),
    ];

    #[test]
    fn a_schema_that_fits_asks_nothing() {
        let declared = Declared::read(SCHEMA);
        assert!(!declared.may_rename(&catalog(&USERS), &types("public.role")), "{declared:?}");
    }

    #[test]
    fn what_is_called_otherwise_in_the_schema_is_said() {
        let declared = Declared::read(&SCHEMA.replace("model Post {", "model Post{"));
        assert_eq!(declared.name_of("users", None).as_deref(), Some("model User"));
        assert_eq!(declared.name_of("users", Some("e_mail")).as_deref(), Some("field User.email"));
        assert_eq!(declared.name_of("Post", Some("userId")), None);
        assert_eq!(declared.name_of("Post", None), None);
        assert_eq!(declared.models.len(), 2);
    }

    #[test]
    fn a_new_name_or_type_is_seen() {
        let declared = Declared::read(SCHEMA);
        let with = |at: usize, column: (&'static str, &'static str)| {
            let mut users = USERS;
            users[at] = column;
            declared.may_rename(&catalog(&users), &types("public.role"))
        };
        assert!(with(1, ("email", "text")) && with(0, ("id", "bigint")) && with(3, ("tags", "text")));
        assert!(with(4, ("no", "text")) && with(5, ("at", "timestamp(3) without time zone")));
        assert!(declared.may_rename(&catalog(&USERS), &types("public.\"Role\"")));
        // a field more alone, or one less, is no new name
        assert!(!declared.may_rename(&catalog(&USERS[1..]), &types("public.role")));
        let renamed = Declared::read(&SCHEMA.replace("model Post", "model Article"));
        assert!(renamed.may_rename(&catalog(&USERS), &types("public.role")));
    }
}
