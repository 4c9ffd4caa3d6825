//! A backup that is going to be stopped, and what must hold afterwards.

use crate::scene::{SHOP, Scene, children_of, ended, left_overs, script, wait_until};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Child;

/// Rows that take a second to read.
const BIG: &str = "CREATE TABLE big (id int, filler text);
    INSERT INTO big SELECT n, (SELECT string_agg(md5(n::text || k), '') FROM generate_series(1, 16) k) FROM generate_series(1, 60000) n;";

pub struct Victim {
    pub scene: Scene,
    dump: String,
    /// What the backups are by now.
    listed: Vec<String>,
    /// Wrappers of pg_dump.
    tools: PathBuf,
}

impl Victim {
    pub fn new() -> Victim {
        Victim::of(SHOP)
    }

    /// One whose rows take a while to read.
    pub fn big() -> Victim {
        Victim::of(&format!("{SHOP}{BIG}"))
    }

    fn of(sql: &str) -> Victim {
        let scene = Scene::new(sql);
        let tools = scene.folder.path().join("tools");
        let dump = scene.dump();
        Victim { listed: Vec::new(), dump, tools, scene }
    }

    /// `real` in the script is the server's own pg_dump, `mark` a file for `wait_for_mark`.
    pub fn wrap_pg_dump(&self, text: &str) {
        let _ = fs::remove_file(self.mark());
        let real = self.scene.cluster.programs.path("pg_dump");
        let head = format!(
            "real={}\nmark={}\n[ \"$1\" != --version ] || exec $real --version\n",
            real.display(),
            self.mark().display()
        );
        script(&self.tools, "pg_dump", &format!("{head}{text}"));
    }

    pub fn mark(&self) -> PathBuf {
        self.scene.folder.path().join("mark")
    }

    pub fn wait_for_mark(&self) {
        wait_until("pg_dump is at work", || self.mark().exists());
    }

    pub fn start(&self) -> Child {
        self.scene.spawn(&["backup", "--json"], &BTreeMap::new())
    }

    /// With the wrapper of pg_dump.
    pub fn start_wrapped(&self) -> Child {
        self.scene.spawn(&["backup", "--json"], &BTreeMap::from([("SAFEMIGRATE_PG_BIN", self.tools.clone())]))
    }

    /// Ends it and asserts the code and the words.
    #[track_caller]
    pub fn ends(&self, child: Child, code: i32, says: &[&str]) {
        let (ended_with, stdout, stderr) = ended(child);
        assert_eq!(ended_with, code, "{stdout}{stderr}");
        for words in says {
            assert!(stdout.contains(words), "says {words:?}: {stdout}{stderr}");
        }
    }

    pub fn sessions(&self, which: &str) -> String {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'safemigrate' AND datname = 'shop'";
        self.scene.cluster.psql("postgres", &format!("{sql} AND {which}"))
    }

    /// What must hold however it ended; then the next run must work and clean up.
    #[track_caller]
    pub fn untouched_and_usable(&mut self, moment: &str) {
        assert_eq!(self.scene.listed(), self.listed, "{moment}: no half backup is listed");
        self.scene.all_whole();
        wait_until(&format!("{moment}: no child is left"), || children_of(&self.scene.store()).is_empty());
        wait_until(&format!("{moment}: no session is left"), || self.sessions("true") == "0");
        assert!(self.scene.dump() == self.dump, "{moment}: the database is as it was");
        self.scene.backup();
        self.scene.all_whole();
        assert_eq!(left_overs(&self.scene.store()), Vec::<String>::new(), "{moment}: the next run sweeps");
        assert_eq!(self.scene.listed().len(), self.listed.len() + 2, "{moment}");
        assert_eq!(self.scene.json(&["status"])["unfinished"].as_array().unwrap().len(), 0);
        // as if the next run had not been: every moment begins with an empty store
        fs::remove_dir_all(self.scene.store()).unwrap();
    }

    /// It may have come to its end before it was stopped: then what is listed is whole all the same.
    pub fn finished_after_all(&self) -> bool {
        let listed = self.scene.listed();
        self.scene.all_whole();
        !listed.is_empty()
    }
}
