//! One folder of `fixtures/schema-changes`, played on the real program and judged. Its README says what the files are.

use super::dump::Dump;
use crate::support::{Cluster, PASSWORD};
use serde::Deserialize;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// `options.toml`; every line is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// What is typed after `safemigrate reinsert`.
    arguments: Vec<String>,
    exit: i32,
    /// How `--dry-run` ends, where it ends in another way.
    dry_exit: Option<i32>,
    /// Who re-inserts; the superuser else.
    role: Option<String>,
    /// Who takes the backup; the superuser else.
    backup_role: Option<String>,
    /// Why the same command again finds something to do.
    again: Option<String>,
    /// Extensions; without them the case is skipped.
    needs: Vec<String>,
}

pub struct Case {
    name: &'static str,
    folder: PathBuf,
    options: Options,
    work: tempfile::TempDir,
    backup: String,
}

/// One server for all cases of this process.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

/// Plays the case and judges it.
pub fn play(name: &'static str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema-changes").join(name);
    let options = fs::read_to_string(folder.join("options.toml")).unwrap_or_default();
    let options: Options = toml::from_str(&options).unwrap_or_else(|e| panic!("{name}/options.toml: {e}"));
    let mut case = Case { name, folder, options, work: tempfile::tempdir().unwrap(), backup: String::new() };
    if let Some(missing) = case.options.needs.iter().find(|e| !is_available(e)) {
        println!("SKIPPED {name}: this PostgreSQL has no extension {missing}");
        return;
    }
    case.set_up();
    if case.options.exit == 0 {
        case.succeeds()
    } else {
        case.changes_nothing()
    }
    cluster().psql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
}

fn is_available(extension: &str) -> bool {
    let ask = format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{extension}'");
    cluster().psql("postgres", &ask) == "1"
}

impl Case {
    fn set_up(&mut self) {
        cluster().create_db(self.name);
        self.sql("before.sql");
        let backup = self.run(self.options.backup_role.as_deref(), &["backup", "--kind", "data-only", "--json"]);
        assert_eq!(backup.code, 0, "{}: the backup\n{}", self.name, backup.stderr);
        self.backup = backup.json()["backups"][0]["id"].as_str().unwrap().to_owned();
        self.sql("change.sql");
        if self.folder.join("loss.sql").exists() {
            self.sql("loss.sql");
        }
    }

    fn sql(&self, file: &str) {
        let sql = fs::read_to_string(self.folder.join(file)).unwrap_or_else(|e| panic!("{}/{file}: {e}", self.name));
        cluster().psql(self.name, &sql);
    }

    fn dump(&self) -> Dump {
        Dump::new(cluster().dump(self.name))
    }

    fn succeeds(&self) {
        // the same state twice: once for what a person sees, once for what a program reads
        admin(&format!("CREATE DATABASE {0}_ TEMPLATE {0}", self.name));
        self.person_reads();
        admin(&format!("DROP DATABASE {0} WITH (FORCE); ALTER DATABASE {0}_ RENAME TO {0}", self.name));

        let before = self.dump();
        let dry = self.reinsert(&["--dry-run", "--json"]);
        assert_eq!(dry.code, 0, "{}: --dry-run\n{}", self.name, dry.stderr);
        self.same("--dry-run changed something", &before, &self.dump());
        let real = self.reinsert(&["--json"]);
        assert_eq!(real.code, 0, "{}: {}\n{}", self.name, real.stdout, real.stderr);
        let report = real.json();
        assert_eq!(dry.json()["tables"], report["tables"], "{}: --dry-run counts otherwise", self.name);
        assert_eq!((&dry.json()["dry_run"], &report["dry_run"]), (&Value::from(true), &Value::from(false)));
        let after = self.dump();
        self.balances(&report);
        assert_eq!(before.schema(), after.schema(), "{}: the schema is another one", self.name);
        assert_eq!(before.prisma_migrations(), after.prisma_migrations(), "{}", self.name);
        self.only_what_is_said(&report, &before, &after);
        self.saved_rejects(&report);
        self.expect("report.expected", &pretty(&report));

        if self.options.again.is_some() {
            self.expect("rows.expected", &self.rows());
        }
        let again = self.reinsert(&["--json"]);
        assert_eq!(again.code, 0, "{}: again\n{}", self.name, again.stderr);
        if self.options.again.is_none() {
            for (first, second) in tables(&report).iter().zip(tables(&again.json())) {
                assert_eq!(
                    (number(&second, "inserted"), number(&second, "updated")),
                    (0, 0),
                    "{}: {second}",
                    self.name
                );
                assert_eq!(first["rejected"], second["rejected"], "{}: {second}", self.name);
            }
            let numbered =
                report.to_string().contains("the next number of ") || report.to_string().contains("nextval(");
            let state = |dump: Dump| if numbered { dump.without_sequences() } else { dump };
            self.same("the second time changed something", &state(after), &state(self.dump()));
            self.expect("rows.expected", &self.rows());
        } else {
            let (first, second) = (after.without_sequences(), self.dump().without_sequences());
            self.same("the second time ended elsewhere", &first, &second);
        }
        self.balances(&again.json());
    }

    fn changes_nothing(&self) {
        let before = self.dump();
        self.person_reads();
        self.same("it failed and changed something", &before, &self.dump());
        let dry = self.reinsert(&["--dry-run", "--json"]);
        let real = self.reinsert(&["--json"]);
        let dry_exit = self.options.dry_exit.unwrap_or(self.options.exit);
        assert_eq!((dry.code, real.code), (dry_exit, self.options.exit), "{}: {}", self.name, dry.stdout);
        if dry_exit == self.options.exit {
            assert_eq!(dry.json()["tables"], real.json()["tables"], "{}: --dry-run counts otherwise", self.name);
        }
        self.same("it failed and changed something", &before, &self.dump());
        self.balances(&real.json());
        self.expect("report.expected", &pretty(&real.json()));
    }

    /// Without `--json`, both streams into one file.
    fn person_reads(&self) {
        let path = self.work.path().join("output");
        let file = File::create(&path).unwrap();
        let arguments: Vec<&str> = self.options.arguments.iter().map(String::as_str).collect();
        let mut command =
            self.command(self.options.role.as_deref(), &[&["reinsert", self.backup.as_str()], &arguments[..]].concat());
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let code = command.status().unwrap().code();
        let said = fs::read_to_string(path).unwrap();
        assert_eq!(code, Some(self.options.exit), "{}:\n{said}", self.name);
        self.expect("output.expected", &said);
    }

    fn reinsert(&self, more: &[&str]) -> Output {
        let arguments: Vec<&str> = self.options.arguments.iter().map(String::as_str).collect();
        self.run(self.options.role.as_deref(), &[&["reinsert", self.backup.as_str()], &arguments[..], more].concat())
    }

    fn run(&self, role: Option<&str>, arguments: &[&str]) -> Output {
        let output = self.command(role, arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn command(&self, role: Option<&str>, arguments: &[&str]) -> Command {
        let url = cluster().url_as(role.unwrap_or("postgres"), PASSWORD, self.name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_safemigrate"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("LANG", "C.UTF-8");
        command.env("HOME", self.work.path()).current_dir(self.work.path()).stdin(Stdio::null());
        command.env("SAFEMIGRATE_URL", url).env("SAFEMIGRATE_STORE", self.work.path().join("store"));
        command.args(arguments);
        command
    }

    fn balances(&self, report: &Value) {
        for table in tables(report) {
            let places = ["inserted", "already_present", "updated", "rejected"];
            let sum: u64 = places.iter().map(|place| number(&table, place)).sum();
            assert_eq!(number(&table, "in_backup"), sum, "{}: {table}", self.name);
        }
    }

    /// As many rows came as were inserted, as many are others as were updated, and no other row was touched.
    fn only_what_is_said(&self, report: &Value, before: &Dump, after: &Dump) {
        let said = |place: &str| tables(report).iter().map(|t| number(t, place)).sum::<u64>();
        if self.options.arguments.iter().any(|a| a == "replace") {
            return;
        }
        let (gone, new) = before.rows_gone_and_new(after);
        assert_eq!(
            (gone, new),
            (said("updated"), said("updated") + said("inserted")),
            "{}: rows gone, rows new",
            self.name
        );
    }

    /// The files of `--rejects save`, one after the other.
    fn saved_rejects(&self, report: &Value) {
        let Some(folder) = report["rejects_dir"].as_str() else {
            assert!(!self.folder.join("rejects.expected").exists(), "{}: nothing was saved", self.name);
            return;
        };
        let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        let file = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            format!("==> {name} <==\n{}\n", fs::read_to_string(path).unwrap())
        };
        self.expect("rejects.expected", &files.iter().map(file).collect::<String>());
    }

    /// What `psql` shows for `rows.sql`.
    fn rows(&self) -> String {
        let mut psql = cluster().programs.command("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-P", "null=(null)", "-P", "footer=off"]);
        psql.args(["-U", "postgres", "-p", &cluster().port.to_string(), "-d", self.name]);
        psql.arg("-h")
            .arg(cluster().socket_folder())
            .env("LC_ALL", "C.UTF-8")
            .arg("-f")
            .arg(self.folder.join("rows.sql"));
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{}/rows.sql: {}", self.name, String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn same(&self, what: &str, before: &Dump, after: &Dump) {
        assert!(before == after, "{}: {what}\n{}", self.name, before.differences(after));
    }

    /// Holds a text against its file, or with `UPDATE_EXPECTED=1` writes it.
    fn expect(&self, file: &str, text: &str) {
        let path = self.folder.join(file);
        let text = self.without_what_differs(text);
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&path, text).unwrap();
            return;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(expected == text, "{}/{file}\n--- expected\n{expected}\n--- is\n{text}\n---", self.name);
    }

    /// Names for what is another one each time: the backup's id, times in names of folders, the temporary folder.
    fn without_what_differs(&self, text: &str) -> String {
        let text = text.replace(&self.work.path().display().to_string(), "/WORK").replace(&self.backup, "d-BACKUP");
        let text = text.replace(&format!("127.0.0.1:{}", cluster().port), "127.0.0.1:PORT");
        let mut pieces = text.split("d-BACKUP-");
        let mut plain = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let time = piece.find('Z').map_or(0, |z| z + 1);
            plain += &format!("d-BACKUP-TIME{}", &piece[time..]);
        }
        plain.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

struct Output {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Output {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("not one JSON object: {e}\n{}\n{}", self.stdout, self.stderr))
    }
}

fn tables(report: &Value) -> Vec<Value> {
    report["tables"].as_array().cloned().unwrap_or_default()
}

fn number(table: &Value, name: &str) -> u64 {
    table[name].as_u64().unwrap_or_else(|| panic!("{name}: {table}"))
}

fn pretty(report: &Value) -> String {
    serde_json::to_string_pretty(report).unwrap()
}

/// Databases are copied and renamed once the last session that used them has said goodbye.
fn admin(sql: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    for statement in sql.split("; ") {
        while let Err(error) = cluster().try_psql("postgres", statement) {
            assert!(error.contains("being accessed") && Instant::now() < until, "{error}\n{statement}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
