//! Generated databases: schemas, tables with columns of every type, keys, references, partitions, rows.

use proptest::prelude::*;
use proptest::sample::select;

#[derive(Debug, Clone)]
pub struct Database {
    tables: Vec<Table>,
    /// Pairs of tables, by number: the first refers to the second (the same one, or in a ring).
    references: Vec<(usize, usize)>,
}

#[derive(Debug, Clone)]
struct Table {
    name: &'static str,
    schema: &'static str,
    columns: Vec<Column>,
    key: Key,
    partitioned: bool,
    rows: u32,
}

#[derive(Debug, Clone)]
struct Column {
    kind: &'static (&'static str, &'static [&'static str]),
    required: bool,
    /// Which of the values the first row has; the others follow in turn.
    start: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Key {
    None,
    Serial,
    Identity,
    /// A unique column beside no primary key.
    Unique,
    Two,
}

const SCHEMAS: &[&str] = &["public", "shop", "Odd \"Schema\""];
const NAMES: &[&str] = &["plain", "Order", "select", "with space", "ünïcödé", "quo\"te", "a.b", "$1", "UPPER"];

/// Types and literals that are hard to carry.
const KINDS: &[(&str, &[&str])] = &[
    ("int", &["0", "-2147483648", "2147483647"]),
    ("bigint", &["9223372036854775807", "-9223372036854775808"]),
    ("smallint", &["-32768", "7"]),
    (
        "text",
        &[
            "''",
            "E'tab\\t nl\\n cr\\r back\\\\'",
            "E'\\\\N'",
            "E'\\\\.'",
            "'naïve 🦀 ʼ'",
            "'''quoted\"'",
            "'NULL'",
            "' pad '",
        ],
    ),
    ("varchar(40)", &["'x'", "E'\\\\t'", "'ß'"]),
    ("char(5)", &["'ab'", "'     '"]),
    ("numeric", &["'NaN'", "1e-30", "123456789012345678901234567890.123", "-0.10", "0"]),
    ("numeric(12,2)", &["0.10", "-9999999999.99"]),
    ("float8", &["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "0.1", "1e308", "5e-324"]),
    ("float4", &["'NaN'", "0.1", "'-Infinity'", "1e-38"]),
    ("boolean", &["true", "false"]),
    ("bytea", &["'\\x'", "'\\x00ff5c0a09'", "'\\xdeadbeef'"]),
    ("json", &["'{ \"a\" : 1, \"a\": [null] }'", "'null'", "E'\"\\\\\\\\n\"'"]),
    ("jsonb", &["'{\"b\": {\"x\": [1, 2.50, \"é\"]}}'", "'[]'", "'null'", "'\"t\\tb\"'"]),
    ("uuid", &["'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
    ("date", &["'infinity'", "'0044-03-15 BC'", "'2024-02-29'"]),
    ("time", &["'24:00'", "'00:00:00.000001'"]),
    ("timestamp", &["'-infinity'", "'2026-01-01 00:00:00.123456'", "'0001-01-01 BC'"]),
    ("timestamptz", &["'infinity'", "'2026-03-29 02:30+02'", "'1900-01-01 00:00:00+00:19:32'"]),
    ("interval", &["'1 year -2 mons +3 days 04:05:06.789'", "'-00:00:01'"]),
    ("int[]", &["'{}'", "'{1,NULL,3}'", "'[0:1]={5,6}'", "'{{1,2},{3,4}}'"]),
    ("text[]", &["ARRAY[NULL, 'NULL', '', 'a,b', '\"', E'\\\\', E't\\t']", "'{}'"]),
    ("mood", &["'sad'", "'it''s \"so\"'"]),
    ("mood[]", &["ARRAY['sad', NULL]::mood[]", "'{}'"]),
    ("inet", &["'::1'", "'10.0.0.0/8'"]),
    ("int4range", &["'empty'", "'[1,5)'", "'(,)'"]),
    ("point", &["'(1.5,-0)'"]),
    ("xml", &["'<a>&amp;</a>'", "'text'"]),
];

pub fn database() -> impl Strategy<Value = Database> {
    prop::sample::subsequence(NAMES, 2..=6)
        .prop_flat_map(|names| names.into_iter().map(table).collect::<Vec<_>>())
        .prop_flat_map(|tables| {
            let one = 0..tables.len();
            let references = prop::collection::vec((one.clone(), one), 0..5);
            references.prop_map(move |references| Database { tables: tables.clone(), references })
        })
}

fn table(name: &'static str) -> impl Strategy<Value = Table> {
    let key = select(vec![Key::None, Key::Serial, Key::Serial, Key::Identity, Key::Unique, Key::Two]);
    let columns = prop::collection::vec(column(), 0..9);
    (select(SCHEMAS), columns, key, prop::bool::weighted(0.25), 0..40u32).prop_map(
        move |(schema, columns, key, partitioned, rows)| Table { name, schema, columns, key, partitioned, rows },
    )
}

fn column() -> impl Strategy<Value = Column> {
    (0..KINDS.len(), any::<bool>(), 0..8usize).prop_map(|(kind, required, start)| Column {
        kind: &KINDS[kind],
        required,
        start,
    })
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Database {
    pub fn sql(&self) -> String {
        let mut sql = String::from("CREATE TYPE public.mood AS ENUM ('sad', 'it''s \"so\"');\n");
        for schema in SCHEMAS.iter().filter(|s| **s != "public") {
            sql += &format!("CREATE SCHEMA {};\n", quote(schema));
        }
        self.tables.iter().for_each(|table| sql += &table.sql());
        let mut seen: Vec<&(usize, usize)> = Vec::new();
        for reference in &self.references {
            let (from, to) = (&self.tables[reference.0], &self.tables[reference.1]);
            // whoever is referred to has one key column
            if !seen.contains(&reference) && to.has_id() && !from.partitioned && !to.partitioned {
                sql += &reference_sql(from, to, seen.len());
                seen.push(reference);
            }
        }
        sql
    }

    /// All rows gone, the sequences where they were: they never go backwards.
    pub fn emptying(&self) -> String {
        let names: Vec<String> = self.tables.iter().map(Table::full_name).collect();
        format!("TRUNCATE {} CASCADE", names.join(", "))
    }

    pub fn dropping(&self) -> String {
        let schemas: Vec<String> = SCHEMAS.iter().map(|s| quote(s)).collect();
        format!(
            "DROP SCHEMA {} CASCADE; CREATE SCHEMA public; CREATE TABLE public.came_later (id int)",
            schemas.join(", ")
        )
    }
}

/// A column of its own, filled with keys that are there.
fn reference_sql(from: &Table, to: &Table, number: usize) -> String {
    let (from_name, to_name) = (from.full_name(), to.full_name());
    let again = ["", " DEFERRABLE INITIALLY DEFERRED", " ON DELETE CASCADE"][number % 3];
    format!(
        "ALTER TABLE {from_name} ADD COLUMN ref{number} int REFERENCES {to_name} (id){again};
         UPDATE {from_name} SET ref{number} = (SELECT min(id) FROM {to_name}) WHERE n % 3 <> 0;\n"
    )
}

impl Table {
    fn full_name(&self) -> String {
        format!("{}.{}", quote(self.schema), quote(self.name))
    }

    fn has_id(&self) -> bool {
        matches!(self.key, Key::Serial | Key::Identity | Key::Unique)
    }

    fn sql(&self) -> String {
        let mut parts =
            vec!["n int NOT NULL".to_owned(), "twice bigint GENERATED ALWAYS AS (n::bigint * 2) STORED".into()];
        parts.push(match self.key {
            Key::Serial => "id serial".into(),
            Key::Identity => "id int GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5)".into(),
            _ => "id int NOT NULL".to_owned(),
        });
        for (n, column) in self.columns.iter().enumerate() {
            let required = if column.required { " NOT NULL" } else { "" };
            parts.push(format!("\"c {n}\" {}{required}", column.kind.0.replace("mood", "public.mood")));
        }
        // the key of a partitioned table holds the column that parts it
        let with = if self.partitioned { ", n" } else { "" };
        match self.key {
            Key::Serial | Key::Identity => parts.push(format!("PRIMARY KEY (id{with})")),
            Key::Unique => parts.push(format!("UNIQUE (id{with})")),
            Key::Two => parts.push("PRIMARY KEY (n, id)".into()),
            Key::None => {}
        }
        let name = self.full_name();
        let mut sql = format!("CREATE TABLE {name} ({})", parts.join(", "));
        if self.partitioned {
            let part = |which: &str| format!("{}.{}", quote(self.schema), quote(&format!("{} {which}", self.name)));
            sql += &format!(
                " PARTITION BY RANGE (n);\nCREATE TABLE {} PARTITION OF {name} FOR VALUES FROM (0) TO (15);\n",
                part("low")
            );
            sql += &format!("CREATE TABLE {} PARTITION OF {name} DEFAULT", part("rest"));
        }
        sql += ";\n";
        (0..self.rows).for_each(|n| sql += &self.row(n));
        sql
    }

    fn row(&self, n: u32) -> String {
        let (mut names, mut values) = (vec!["n".to_owned()], vec![n.to_string()]);
        if matches!(self.key, Key::None | Key::Unique | Key::Two) {
            names.push("id".into());
            // without a key the same row may be there twice
            values.push(if self.key == Key::None { (n % 5).to_string() } else { (n * 3).to_string() });
        }
        for (at, column) in self.columns.iter().enumerate() {
            let literals = column.kind.1;
            let value = literals[(column.start + n as usize) % literals.len()];
            names.push(format!("\"c {at}\""));
            let null = !column.required && (n as usize + column.start).is_multiple_of(4);
            values.push(if null { "NULL".into() } else { value.replace("::mood", "::public.mood") });
        }
        let twice = if self.key == Key::None && n.is_multiple_of(7) { 2 } else { 1 };
        let insert =
            format!("INSERT INTO {} ({}) VALUES ({});\n", self.full_name(), names.join(", "), values.join(", "));
        insert.repeat(twice)
    }
}
