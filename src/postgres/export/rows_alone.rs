//! The file around the INSERTs of a data-only backup: one transaction, keys in a circle put off until its end.

use super::idents::{ident, qualified};
use crate::domain::export::is_deferrable;
use crate::domain::manifest::Manifest;
use crate::domain::names::QualifiedName;
use crate::domain::schema::{ForeignKey, Sequence};
use crate::postgres::structure::one_line;

/// As `pg_dump` begins its scripts, with the settings under which the values read as they were written.
const SETTINGS: &str = "SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
";

/// Everything before the first row.
pub fn begin(backup: &Manifest, unordered: &[&ForeignKey]) -> String {
    let Manifest { id, created_at, database, .. } = backup;
    let mut text = format!(
        "--\n-- PostgreSQL database dump\n--\n\n\
         -- The rows of {}, {created_at}: {id} of safemigrate, for the structure of that moment.\n\
         -- One transaction: psql -v ON_ERROR_STOP=1 -f FILE puts all of them in, or none.\n\n\
         {SETTINGS}\nBEGIN;\n\n",
        one_line(&database.name)
    );
    if unordered.is_empty() {
        return text;
    }
    text.push_str(
        "--\n-- These foreign keys lead in a circle, or from a table to itself: no order of rows satisfies them.\n\
         -- They are checked at the end; the tables' owner may say so.\n--\n\n",
    );
    for key in unordered.iter().filter(|key| !is_deferrable(key)) {
        text.push_str(&alter(key, "DEFERRABLE"));
    }
    text.push_str("SET CONSTRAINTS ALL DEFERRED;\n\n");
    text
}

/// The comment before the rows of a table.
pub fn heading(table: &QualifiedName) -> String {
    let (name, schema) = (one_line(&table.name), one_line(&table.schema));
    format!("--\n-- Data for Name: {name}; Type: TABLE DATA; Schema: {schema}; Owner: -\n--\n\n")
}

/// Everything after the last row.
pub fn end(backup: &Manifest, unordered: &[&ForeignKey]) -> String {
    let mut text = String::new();
    for sequence in &backup.sequences {
        let (name, schema) = (one_line(&sequence.name.name), one_line(&sequence.name.schema));
        text.push_str(&format!("--\n-- Name: {name}; Type: SEQUENCE SET; Schema: {schema}; Owner: -\n--\n\n"));
        text.push_str(&set_sequence(sequence));
        text.push_str("\n\n");
    }
    if !unordered.is_empty() {
        // a table with checks to come cannot be altered
        text.push_str("SET CONSTRAINTS ALL IMMEDIATE;\n");
        for key in unordered.iter().filter(|key| !is_deferrable(key)) {
            text.push_str(&alter(key, "NOT DEFERRABLE"));
        }
        text.push('\n');
    }
    text.push_str("COMMIT;\n\n--\n-- PostgreSQL database dump complete\n--\n\n");
    text
}

fn alter(key: &ForeignKey, to: &str) -> String {
    format!("ALTER TABLE {} ALTER CONSTRAINT {} {to};\n", qualified(&key.table), ident(&key.name))
}

/// Sets a sequence to where it stood.
pub(super) fn set_sequence(sequence: &Sequence) -> String {
    let name = qualified(&sequence.name).replace('\'', "''");
    format!("SELECT pg_catalog.setval('{name}', {}, {});\n", sequence.last_value, sequence.is_called)
}
