//! Rows as INSERT statements with their columns named, one a row, as `pg_dump --column-inserts` writes them.

use super::idents::{columns, qualified};
use crate::domain::rows::{NULL, RowSplitter, unescape, values};
use crate::domain::schema::{Identity, Table};

/// How a value of a type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// As it is, where it looks like a number; `NaN` needs quotes.
    Number,
    Bits,
    Boolean,
    Text,
}

impl Writing {
    fn of(type_name: &str) -> Self {
        let bare = type_name.split('(').next().unwrap_or_default();
        match bare {
            "smallint" | "integer" | "bigint" | "oid" | "real" | "double precision" | "numeric" => Self::Number,
            "bit" | "\"bit\"" | "bit varying" => Self::Bits,
            "boolean" => Self::Boolean,
            _ => Self::Text,
        }
    }

    fn write(self, value: &[u8], sql: &mut Vec<u8>) {
        if value == NULL {
            return sql.extend_from_slice(b"NULL");
        }
        let is_number = |value: &[u8]| value.iter().all(|b| b"0123456789 +-eE.".contains(b));
        match self {
            Self::Number if is_number(value) => sql.extend_from_slice(value),
            Self::Boolean => sql.extend_from_slice(if value == b"t" { b"true" } else { b"false" }),
            Self::Bits => {
                sql.push(b'B');
                quote(value, sql);
            }
            Self::Number | Self::Text => quote(&unescape(value), sql),
        }
    }
}

/// A literal for `standard_conforming_strings = on`, which the file sets.
fn quote(text: &[u8], sql: &mut Vec<u8>) {
    sql.push(b'\'');
    for &byte in text {
        if byte == b'\'' {
            sql.push(byte);
        }
        sql.push(byte);
    }
    sql.push(b'\'');
}

/// Turns the COPY text of one table into statements.
pub struct Inserts {
    splitter: RowSplitter,
    beginning: String,
    columns: Vec<Writing>,
    misshapen: bool,
}

impl Inserts {
    pub fn into_table(table: &Table) -> Self {
        let writings: Vec<Writing> = table.data_columns().map(|column| Writing::of(&column.type_name)).collect();
        let name = qualified(&table.name);
        // an identity that is ALWAYS given by the server takes no other value by itself
        let always = table.data_columns().any(|column| column.identity == Some(Identity::Always));
        let beginning = match (writings.is_empty(), always) {
            (true, _) => format!("INSERT INTO {name} DEFAULT VALUES"),
            (_, false) => format!("INSERT INTO {name} {} VALUES (", columns(table)),
            (_, true) => format!("INSERT INTO {name} {} OVERRIDING SYSTEM VALUE VALUES (", columns(table)),
        };
        Self { splitter: RowSplitter::default(), beginning, columns: writings, misshapen: false }
    }

    /// Takes the next piece of COPY text; adds the statements of the rows that are whole by now.
    pub fn feed(&mut self, piece: &[u8], sql: &mut Vec<u8>) {
        let Self { splitter, beginning, columns, misshapen } = self;
        splitter.feed(piece, |row| {
            sql.extend_from_slice(beginning.as_bytes());
            if columns.is_empty() {
                *misshapen |= !row.is_empty();
                return sql.extend_from_slice(b";\n");
            }
            let mut count = 0;
            for value in values(row) {
                if count > 0 {
                    sql.extend_from_slice(b", ");
                }
                columns.get(count).unwrap_or(&Writing::Text).write(value, sql);
                count += 1;
            }
            *misshapen |= count != columns.len();
            sql.extend_from_slice(b");\n");
        });
    }

    /// Whether it ended with a whole row, and each row had a value for each column.
    pub fn is_whole(&self) -> bool {
        !self.misshapen && !self.splitter.is_cut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::QualifiedName;
    use crate::domain::schema::Column;

    fn table(columns: &[(&str, &str, Option<Identity>)]) -> Table {
        let columns = columns.iter().zip(1..).map(|((name, type_name, identity), number)| Column {
            name: (*name).into(),
            type_name: (*type_name).into(),
            number,
            not_null: false,
            default: None,
            identity: *identity,
            generated: *name == "generated",
        });
        Table {
            name: QualifiedName::new("public", "User"),
            oid: 1,
            columns: columns.collect(),
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            partition_root: None,
            extension_condition: None,
        }
    }

    fn written(table: &Table, rows: &[u8]) -> (String, bool) {
        let (mut inserts, mut sql) = (Inserts::into_table(table), Vec::new());
        rows.chunks(3).for_each(|piece| inserts.feed(piece, &mut sql));
        (String::from_utf8(sql).unwrap(), inserts.is_whole())
    }

    #[test]
    fn every_kind_of_value() {
        let all = table(&[
            ("id", "bigint", None),
            ("n", "numeric(10,2)", None),
            ("b", "boolean", None),
            ("bits", "bit varying(4)", None),
            ("text", "text", None),
            ("generated", "integer", None),
        ]);
        let rows = b"-1\t1.50\tt\t01\tit's\\\\ \\n\n2\tNaN\tf\t\\N\t\\\\N\n";
        let (sql, whole) = written(&all, rows);
        let begin = r#"INSERT INTO public."User" (id, n, b, bits, text) VALUES ("#;
        let expected = [
            format!("{begin}-1, 1.50, true, B'01', 'it''s\\ \n');\n"),
            format!("{begin}2, 'NaN', false, NULL, '\\N');\n"),
        ];
        assert_eq!(sql, expected.concat());
        assert!(whole);
    }

    #[test]
    fn identities_and_tables_without_columns() {
        let identity = table(&[("id", "integer", Some(Identity::Always)), ("a", "text", None)]);
        let begin = "INSERT INTO public.\"User\" (id, a) OVERRIDING SYSTEM VALUE VALUES (1, '');\n";
        assert_eq!(written(&identity, b"1\t\n"), (begin.to_owned(), true));
        assert_eq!(written(&table(&[]), b"\n"), ("INSERT INTO public.\"User\" DEFAULT VALUES;\n".to_owned(), true));
        for bad in [&b"1\n"[..], b"1\t2\t3\n", b"1\t2\n3"] {
            assert!(!written(&identity, bad).1);
        }
    }
}
