//! Everything in a database that a re-insert could have changed, as lines: quicker than a dump, and it also sees
//! what a dump leaves out (states of the triggers behind foreign keys, rows of materialized views).

use super::cluster::Cluster;

const STATE: &str = r#"
WITH own AS (
    SELECT c.*, format('%I.%I', n.nspname, c.relname) AS full_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'proxy'))
SELECT concat_ws(' ', 'rows', full_name, regexp_replace(query_to_xml(format(
    'SELECT count(*), md5(string_agg(t::text, E''\n'' ORDER BY t::text)) AS print FROM ONLY %s t', full_name), false, true, '')::text, '\s+', ' ', 'g'))
FROM own WHERE relkind IN ('r', 'm') AND relispopulated
UNION ALL SELECT concat_ws(' ', 'sequence', full_name, regexp_replace(query_to_xml(format(
    'SELECT last_value, is_called FROM %s', full_name), false, true, '')::text, '\s+', ' ', 'g'), s.seqtypid::regtype, s.seqstart, s.seqincrement,
    s.seqmax, s.seqmin, s.seqcache, s.seqcycle)
FROM own JOIN pg_sequence s ON s.seqrelid = own.oid
UNION ALL SELECT concat_ws(' ', 'relation', full_name, relkind, relpersistence, relrowsecurity, relforcerowsecurity, relispopulated, relispartition,
    relreplident, relhastriggers, relowner::regrole, relacl::text, reloptions::text, obj_description(oid, 'pg_class')) FROM own
UNION ALL SELECT concat_ws(' ', 'column', full_name, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
    a.attgenerated, a.attisdropped, pg_get_expr(d.adbin, d.adrelid), col_description(own.oid, a.attnum))
FROM own JOIN pg_attribute a ON a.attrelid = own.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = own.oid AND d.adnum = a.attnum
UNION ALL SELECT concat_ws(' ', 'trigger', full_name, CASE WHEN t.tgisinternal THEN t.tgfoid::regproc::text || t.tgtype ELSE t.tgname END,
    k.conname, t.tgenabled, t.tgdeferrable, t.tginitdeferred)
FROM own JOIN pg_trigger t ON t.tgrelid = own.oid LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
UNION ALL SELECT concat_ws(' ', 'constraint', full_name, k.conname, pg_get_constraintdef(k.oid), k.convalidated, k.condeferrable,
    k.condeferred, k.conislocal, obj_description(k.oid, 'pg_constraint'))
FROM own JOIN pg_constraint k ON k.conrelid = own.oid
UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indisclustered)
FROM own JOIN pg_index i ON i.indrelid = own.oid
UNION ALL SELECT concat_ws(' ', 'rule', full_name, r.rulename, r.ev_enabled) FROM own JOIN pg_rewrite r ON r.ev_class = own.oid
UNION ALL SELECT concat_ws(' ', 'function', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace::regnamespace::text !~ '^(pg_|information_schema|proxy)'
ORDER BY 1"#;

impl Cluster {
    /// What is in the database, line by line. Equal text, equal database.
    pub fn state(&self, database: &str) -> String {
        self.psql(database, STATE)
    }
}

/// Fails with the lines that differ.
#[track_caller]
pub fn same(expected: &str, found: &str, what: &str) {
    let lines = |one: &str, other: &str| -> Vec<String> {
        let other: std::collections::HashSet<&str> = other.lines().collect();
        one.lines().filter(|l| !other.contains(l)).map(str::to_owned).collect()
    };
    assert!(expected == found, "{what}\nmissing {:#?}\nsurplus {:#?}", lines(expected, found), lines(found, expected));
}
