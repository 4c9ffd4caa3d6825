//! A dump taken apart: the schema, the rows of each table, where the sequences stand.

use std::collections::BTreeMap;

#[derive(PartialEq, Eq)]
pub struct Dump(String);

impl Dump {
    pub fn new(text: String) -> Dump {
        Dump(text)
    }

    /// The same but for where the sequences stand: numbers that were drawn and not used are no content.
    pub fn without_sequences(&self) -> Dump {
        Dump(self.0.lines().filter(|l| !is_setval(l)).map(|l| format!("{l}\n")).collect())
    }

    /// The lines that only one of the two has.
    pub fn differences(&self, other: &Dump) -> String {
        let only = |sign: &str, mine: &Dump, theirs: &Dump| -> String {
            let lines = mine.0.lines().filter(|l| !theirs.0.lines().any(|t| t == *l));
            lines.map(|l| format!("{sign}{l}\n")).collect()
        };
        only("-", self, other) + &only("+", other, self)
    }

    /// Everything but rows and where sequences stand.
    pub fn schema(&self) -> String {
        let mut in_rows = false;
        let mut schema = String::new();
        for line in self.0.lines() {
            if !in_rows && !is_setval(line) {
                schema += line;
                schema.push('\n');
            }
            in_rows = (in_rows || is_copy(line)) && line != "\\.";
        }
        schema
    }

    /// Each row of COPY text, by the table it is in.
    fn rows(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut table = None;
        for line in self.0.lines() {
            match table {
                Some(_) if line == "\\." => table = None,
                Some(name) => tables.entry(name).or_default().push(line),
                None if is_copy(line) => table = Some(line),
                None => {}
            }
        }
        tables
    }

    pub fn prisma_migrations(&self) -> Vec<&str> {
        self.rows()
            .into_iter()
            .filter(|(copy, _)| copy.contains("._prisma_migrations "))
            .flat_map(|(_, rows)| rows)
            .collect()
    }

    /// How many rows are here and not there, and there and not here; equal ones are counted.
    pub fn rows_gone_and_new(&self, after: &Dump) -> (u64, u64) {
        let (mine, theirs) = (self.rows(), after.rows());
        let missing = |from: &BTreeMap<&str, Vec<&str>>, to: &BTreeMap<&str, Vec<&str>>| {
            let mut missing = 0;
            for (table, rows) in from {
                let mut left: BTreeMap<&str, u64> = BTreeMap::new();
                to.get(table).into_iter().flatten().for_each(|row| *left.entry(row).or_default() += 1);
                for row in rows {
                    match left.get_mut(row) {
                        Some(n) if *n > 0 => *n -= 1,
                        _ => missing += 1,
                    }
                }
            }
            missing
        };
        (missing(&mine, &theirs), missing(&theirs, &mine))
    }
}

fn is_copy(line: &str) -> bool {
    line.starts_with("COPY ") && line.ends_with(" FROM stdin;")
}

fn is_setval(line: &str) -> bool {
    line.starts_with("SELECT pg_catalog.setval(")
}
