//! A database as text that two equal databases share.

use super::cluster::Cluster;

impl Cluster {
    /// Everything in the database as `pg_dump` writes it, without what differs between equal databases.
    pub fn dump(&self, database: &str) -> String {
        self.dump_with(database, &[])
    }

    /// The same with the database's own settings, rights, owner and comment.
    pub fn dump_with_database(&self, database: &str) -> String {
        self.dump_with(database, &["--create"])
    }

    pub fn dump_with(&self, database: &str, arguments: &[&str]) -> String {
        normalised(&self.pg_dump(database, arguments))
    }

    /// As `psql` takes it.
    pub fn script(&self, database: &str) -> String {
        self.pg_dump(database, &[])
    }

    fn pg_dump(&self, database: &str, arguments: &[&str]) -> String {
        let mut pg_dump = self.programs.command("pg_dump");
        pg_dump.args(["-U", "postgres", "-p", &self.port.to_string()]);
        pg_dump.arg("-h").arg(self.socket_folder()).env("PGDATABASE", database).args(arguments);
        let output = pg_dump.output().expect("pg_dump");
        assert!(output.status.success(), "pg_dump {database}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a dump in UTF-8")
    }
}

/// Drops pg_dump's random `\restrict` keys and version comments, and sorts the rows of each table.
pub fn normalised(dump: &str) -> String {
    let mut text = String::with_capacity(dump.len());
    let mut rows: Option<Vec<&str>> = None;
    for line in dump.split('\n') {
        if let Some(collected) = &mut rows {
            if line != "\\." {
                collected.push(line);
                continue;
            }
            collected.sort_unstable();
            collected.iter().for_each(|row| push_line(&mut text, row));
            rows = None;
        } else if line.starts_with("COPY ") && line.ends_with(" FROM stdin;") {
            rows = Some(Vec::new());
        }
        let differs = ["\\restrict ", "\\unrestrict ", "-- Dumped "].iter().any(|start| line.starts_with(start));
        if !differs {
            push_line(&mut text, line);
        }
    }
    text
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
