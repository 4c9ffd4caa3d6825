//! Looking into the database, and meddling with it, with PostgreSQL's own `psql`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::cluster::Cluster;

impl Cluster {
    /// Runs SQL as the superuser; rows come back as `a|b` lines.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        self.try_psql(database, sql).unwrap_or_else(|error| panic!("psql {database}: {error}\n{sql}"))
    }

    pub fn try_psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.psql_command(database);
        psql.args(["-v", "ON_ERROR_STOP=1", "-f", "-"]);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql");
        let mut input = child.stdin.take().expect("psql's input");
        let text = sql.to_string();
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("psql");
        let _ = writer.join();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_string())
    }

    /// A session that stays open, to hold a lock or a transaction while something else happens.
    pub fn session(&self, database: &str) -> PsqlSession {
        let mut psql = self.psql_command(database);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("psql");
        let input = child.stdin.take().expect("psql's input");
        let output = BufReader::new(child.stdout.take().expect("psql's output"));
        PsqlSession { child, input, output }
    }

    fn psql_command(&self, database: &str) -> Command {
        let mut psql = self.programs.command("psql");
        psql.args(["-X", "-A", "-t", "-q", "-U", "postgres", "-p", &self.port.to_string()]);
        // by `-d` a name with an equal sign would be taken for connection options
        psql.arg("-h").arg(self.socket_folder()).env("PGDATABASE", database).env("LC_ALL", "C.UTF-8");
        psql
    }
}

pub struct PsqlSession {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl PsqlSession {
    /// Runs the SQL in this session and waits until it is done.
    pub fn run(&mut self, sql: &str) -> String {
        const DONE: &str = "-- this statement is done --";
        writeln!(self.input, "{sql};\n\\echo '{DONE}'").expect("psql is listening");
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("psql answers");
            assert!(read > 0, "psql ended during: {sql}\n{said}");
            if line.trim_end() == DONE {
                return said.trim_end_matches('\n').to_string();
            }
            said.push_str(&line);
        }
    }
}

impl Drop for PsqlSession {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
