//! Random databases, what becomes of their schema and of their rows, and how they are put back.

use proptest::prelude::*;
use safemigrate::domain::reinsert::options::parse_map;
use safemigrate::domain::reinsert::{OnConflict, Options, Rejects};

/// A type, a value of it for row `n`, and types that PostgreSQL changes it to without being told how.
pub const TYPES: [(&str, &str, &[&str]); 24] = [
    ("text", "chr(64 + n % 9) || E'\\\\\\t\\'x\\n' || n", &["varchar(200)", "bpchar"]),
    ("varchar(30)", "'\\N ' || n", &["text", "varchar(12)"]),
    ("char(9)", "'c' || n % 7", &["text", "varchar(9)"]),
    ("smallint", "n % 300 - 150", &["int", "numeric(9,2)", "text"]),
    ("int", "n * 1000 - 7", &["bigint", "double precision", "text", "numeric"]),
    ("bigint", "n * 10000000000", &["numeric", "real", "text"]),
    ("numeric(12,3)", "n * 1.125", &["numeric(12,1)", "int", "double precision", "text"]),
    ("numeric", "CASE n % 4 WHEN 0 THEN 'NaN' ELSE n / 7.0 END", &["text", "double precision"]),
    ("real", "n / 3.0", &["double precision", "numeric", "text"]),
    ("double precision", "CASE n % 5 WHEN 0 THEN '-Infinity' ELSE n / 7.0 END", &["text", "numeric(30,10)"]),
    ("boolean", "n % 2 = 0", &["text"]),
    (
        "timestamp(3)",
        "'2024-01-01'::timestamp + n * '1 hour 0.567 seconds'::interval",
        &["timestamptz", "date", "timestamp(0)", "text"],
    ),
    ("timestamptz", "'2024-03-31 00:00+00'::timestamptz + n * '17 minutes'::interval", &["timestamp", "text", "date"]),
    ("date", "'0044-03-15 BC'::date + n * 1000", &["timestamp", "text"]),
    ("interval", "n * '1 mon 1 day 0.5 s'::interval", &["text", "time"]),
    ("jsonb", "jsonb_build_object('n', n, 'tab', E'a\\tb')", &["json", "text"]),
    ("json", "('{ \"n\":  ' || n || ' }')::json", &["jsonb", "text"]),
    ("uuid", "md5(n::text)::uuid", &["text"]),
    ("bytea", "decode(md5(n::text), 'hex')", &["text"]),
    ("inet", "('10.0.' || n % 9 || '.1')::inet", &["text", "cidr"]),
    ("int[]", "ARRAY[n, NULL, -n]", &["bigint[]", "text[]", "text"]),
    ("text[]", "ARRAY['a,\"b' || n, NULL, '{}']", &["text", "varchar(20)[]"]),
    ("int4range", "int4range(n, n + 5)", &["text"]),
    ("mood", "(enum_range(NULL::mood))[1 + n % 3]", &["text"]),
];

#[derive(Debug, Clone)]
pub struct Table {
    pub keyed: bool,
    pub rows: u32,
    /// Index into `TYPES`; every third value is NULL where the flag says so.
    pub columns: Vec<(usize, bool)>,
    /// Tables that a column refers to; itself and cycles too.
    pub refers: Vec<usize>,
}

/// What is done to the schema while all rows are there.
#[derive(Debug, Clone)]
pub enum Change {
    AddColumn(usize),
    Drop(usize, usize),
    Retype(usize, usize, usize),
    RenameColumn(usize, usize),
    RenameTable(usize),
    MoveTable(usize),
    NewTable(usize),
    DropReference(usize, usize),
    WidenKey(usize),
}

/// What is done to it when rows are gone: it may keep some of them out.
#[derive(Debug, Clone)]
pub enum Demand {
    Required(usize, usize),
    Unique(usize, usize),
    Reference(usize, usize),
    Check(usize, u32),
}

#[derive(Debug, Clone)]
pub enum Loss {
    All,
    One(usize),
    Some(usize, u32),
    Null(usize, usize),
}

#[derive(Debug, Clone)]
pub struct Story {
    pub tables: Vec<Table>,
    pub changes: Vec<Change>,
    pub losses: Vec<Loss>,
    pub demands: Vec<Demand>,
    pub on_conflict: OnConflict,
    pub rejects: Rejects,
    /// The statement that goes wrong, and how: an index into the faults.
    pub fault: (usize, usize),
}

fn tables() -> impl Strategy<Value = Vec<Table>> {
    let table = (
        prop::bool::weighted(0.7),
        0..60u32,
        prop::collection::vec((0..TYPES.len(), any::<bool>()), 1..5),
        prop::collection::vec(0..4usize, 0..3),
    );
    prop::collection::vec(table.prop_map(|(keyed, rows, columns, refers)| Table { keyed, rows, columns, refers }), 1..5)
}

fn change() -> impl Strategy<Value = Change> {
    let (table, column) = (0..4usize, 0..5usize);
    prop_oneof![
        1 => table.clone().prop_map(Change::AddColumn),
        1 => (table.clone(), column.clone()).prop_map(|(t, c)| Change::Drop(t, c)),
        4 => (table.clone(), column.clone(), 0..4usize).prop_map(|(t, c, to)| Change::Retype(t, c, to)),
        2 => (table.clone(), column).prop_map(|(t, c)| Change::RenameColumn(t, c)),
        1 => table.clone().prop_map(Change::RenameTable),
        1 => table.clone().prop_map(Change::MoveTable),
        1 => table.clone().prop_map(Change::NewTable),
        1 => (table.clone(), 0..3usize).prop_map(|(t, r)| Change::DropReference(t, r)),
        1 => table.prop_map(Change::WidenKey),
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::All),
        (0..4usize).prop_map(Loss::One),
        (0..4usize, 1..9u32).prop_map(|(t, n)| Loss::Some(t, n)),
        (0..4usize, 0..5usize).prop_map(|(t, c)| Loss::Null(t, c)),
    ]
}

fn demand() -> impl Strategy<Value = Demand> {
    prop_oneof![
        (0..4usize, 0..5usize).prop_map(|(t, c)| Demand::Required(t, c)),
        (0..4usize, 0..5usize).prop_map(|(t, c)| Demand::Unique(t, c)),
        (0..4usize, 0..4usize).prop_map(|(t, to)| Demand::Reference(t, to)),
        (0..4usize, 2..9u32).prop_map(|(t, n)| Demand::Check(t, n)),
    ]
}

pub fn story() -> impl Strategy<Value = Story> {
    let on_conflict = prop_oneof![
        3 => Just(OnConflict::Skip),
        2 => Just(OnConflict::Fill),
        3 => Just(OnConflict::Update),
        2 => Just(OnConflict::Replace),
    ];
    (
        tables(),
        prop::collection::vec(change(), 0..6),
        prop::collection::vec(loss(), 1..4),
        prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(demand(), 1..4)],
        on_conflict,
        prop_oneof![Just(Rejects::Fail), Just(Rejects::Save)],
        (1..160usize, 0..8usize),
    )
        .prop_map(|(tables, changes, losses, demands, on_conflict, rejects, fault)| Story {
            tables,
            changes,
            losses,
            demands,
            on_conflict,
            rejects,
            fault,
        })
}

/// What everything is called by now.
#[derive(Clone)]
pub struct Names {
    /// Schema and table, as SQL writes them.
    tables: Vec<(String, String)>,
    columns: Vec<Vec<String>>,
}

impl Names {
    pub fn of(tables: &[Table]) -> Names {
        Names {
            tables: (0..tables.len()).map(|n| ("public".into(), format!("t{n}"))).collect(),
            columns: tables.iter().map(|t| (0..t.columns.len()).map(|c| format!("c{c}")).collect()).collect(),
        }
    }

    pub fn table(&self, n: usize) -> Option<String> {
        self.tables.get(n).map(|(schema, name)| format!("{schema}.{name}"))
    }

    fn column(&self, t: usize, c: usize) -> Option<&String> {
        self.columns.get(t)?.get(c)
    }

    /// The statement of a change, where there is what it changes, and the names after it.
    pub fn change(&self, change: &Change, tables: &[Table]) -> Option<(String, Names)> {
        let mut after = self.clone();
        let alter = |t: &usize, what: String| Some(format!("ALTER TABLE {} {what}", self.table(*t)?));
        let sql = match change {
            Change::AddColumn(t) => alter(t, "ADD added int NOT NULL DEFAULT 7".into())?,
            Change::Drop(t, c) => alter(t, format!("DROP COLUMN {}", self.column(*t, *c)?))?,
            Change::Retype(t, c, to) => {
                let targets = TYPES[tables.get(*t)?.columns.get(*c)?.0].2;
                alter(t, format!("ALTER {} TYPE {}", self.column(*t, *c)?, targets[to % targets.len()]))?
            }
            Change::RenameColumn(t, c) => {
                after.columns.get_mut(*t)?.get_mut(*c)?.clone_from(&format!("\"Neu {c}\""));
                alter(t, format!("RENAME {} TO \"Neu {c}\"", self.column(*t, *c)?))?
            }
            Change::RenameTable(t) => {
                after.tables.get_mut(*t)?.1 = format!("\"Table = {t}\"");
                alter(t, format!("RENAME TO \"Table = {t}\""))?
            }
            Change::MoveTable(t) => {
                after.tables.get_mut(*t)?.0 = "other".into();
                alter(t, "SET SCHEMA other".into())?
            }
            Change::NewTable(n) => format!("CREATE TABLE new{n} (id serial PRIMARY KEY, t int)"),
            Change::DropReference(t, r) => alter(t, format!("DROP CONSTRAINT k{t}_{r}"))?,
            Change::WidenKey(t) => alter(t, "ALTER id TYPE bigint".into())?,
        };
        Some((sql, after))
    }

    pub fn demand(&self, demand: &Demand) -> Option<String> {
        Some(match demand {
            Demand::Required(t, c) => {
                format!("ALTER TABLE {} ALTER {} SET NOT NULL", self.table(*t)?, self.column(*t, *c)?)
            }
            Demand::Unique(t, c) => format!("ALTER TABLE {} ADD UNIQUE ({})", self.table(*t)?, self.column(*t, *c)?),
            Demand::Reference(t, to) => {
                format!("ALTER TABLE {} ADD FOREIGN KEY (id) REFERENCES {}", self.table(*t)?, self.table(*to)?)
            }
            Demand::Check(t, n) => format!("ALTER TABLE {} ADD CHECK (id % {n} <> 1)", self.table(*t)?),
        })
    }

    pub fn loss(&self, loss: &Loss) -> Option<String> {
        Some(match loss {
            Loss::All => {
                let all: Vec<String> = (0..self.tables.len()).filter_map(|n| self.table(n)).collect();
                format!("TRUNCATE {}", all.join(", "))
            }
            Loss::One(t) => format!("DELETE FROM {}", self.table(*t)?),
            Loss::Some(t, n) => format!("DELETE FROM {} WHERE id % {n} = 0", self.table(*t)?),
            Loss::Null(t, c) => format!("UPDATE {} SET {} = NULL", self.table(*t)?, self.column(*t, *c)?),
        })
    }

    /// How the names of the backup become those of today.
    pub fn options(&self, story: &Story) -> Options {
        let old = Names::of(&story.tables);
        let mut maps = Vec::new();
        for t in 0..old.tables.len() {
            if self.tables[t] != old.tables[t] {
                maps.push(format!("{}.{}={}.{}", old.tables[t].0, old.tables[t].1, self.tables[t].0, self.tables[t].1));
            }
            let renamed = old.columns[t].iter().zip(&self.columns[t]).filter(|(old, new)| old != new);
            maps.extend(renamed.map(|(old, new)| format!("t{t}.{old}={new}")));
        }
        Options {
            maps: maps.iter().map(|m| parse_map(m).unwrap_or_else(|e| panic!("{m}: {e}"))).collect(),
            on_conflict: story.on_conflict,
            rejects: story.rejects,
            ..Options::default()
        }
    }
}

/// The database at the time of the backup.
pub fn create(tables: &[Table]) -> String {
    let mut sql = "CREATE SCHEMA other; CREATE TYPE mood AS ENUM ('sad', 'ok', 'Very, \"happy\"');".to_owned();
    for (n, table) in tables.iter().enumerate() {
        let columns: String =
            table.columns.iter().enumerate().map(|(c, (kind, _))| format!(", c{c} {}", TYPES[*kind].0)).collect();
        let refers: String = (0..table.refers.len()).map(|r| format!(", r{r} int")).collect();
        let key = if table.keyed { " PRIMARY KEY" } else { "" };
        sql += &format!("CREATE TABLE t{n} (id serial{key}{columns}{refers});");
        let value = |(kind, nulls): &(usize, bool)| {
            let (name, value, _) = TYPES[*kind];
            if *nulls {
                format!("CASE WHEN n % 3 > 0 THEN ({value})::{name} END")
            } else {
                format!("({value})::{name}")
            }
        };
        let values: Vec<String> = table.columns.iter().map(value).collect();
        let refer = |to: &usize| match tables.get(*to) {
            Some(to) if to.keyed && to.rows > 0 => format!(", 1 + (n * 7) % {}", to.rows),
            _ => ", NULL".into(),
        };
        sql += &format!(
            "INSERT INTO t{n} SELECT CASE WHEN {} THEN n ELSE n / 2 END, {}{} FROM generate_series(1, {}) n; SELECT setval('t{n}_id_seq', {});",
            table.keyed,
            values.join(", "),
            table.refers.iter().map(refer).collect::<String>(),
            table.rows,
            table.rows + 5
        );
    }
    for (n, table) in tables.iter().enumerate() {
        for (r, to) in table.refers.iter().enumerate().filter(|(_, to)| tables.get(**to).is_some_and(|t| t.keyed)) {
            let way =
                ["ON DELETE CASCADE ON UPDATE CASCADE", "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"][(n + r) % 2];
            sql += &format!("ALTER TABLE t{n} ADD CONSTRAINT k{n}_{r} FOREIGN KEY (r{r}) REFERENCES t{to} {way};");
        }
    }
    sql
}
