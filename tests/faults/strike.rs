//! One stroke, and everything that must hold after it.

use crate::journey::{Begun, Effect, Journey};
use crate::points::{Extent, Kind, Stroke, strokes};
use crate::scene::{SHOP, Scene, copy, ended, wait_until};
use crate::support::same;
use serde_json::Value;
use std::fs;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Of one stroke, until it comes about.
const TRIES: usize = 5;

pub struct Rig {
    scene: Scene,
    journey: Journey,
    begun: Begun,
    before: World,
    after: World,
    log: String,
    /// Databases of ours that a crash has left, with their marks.
    beside: Vec<(String, String)>,
}

/// What a stroke may change, as text that can be compared.
#[derive(Clone, PartialEq, Eq)]
struct World {
    /// `None`: there is no database, or nobody gets in.
    database: Option<String>,
    /// Ids, for a journey that is about the store.
    backups: Vec<String>,
}

/// What comes after a stroke.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Recover,
    /// Which has to cope by itself.
    NextCommand,
    Both,
}

/// How a command ended.
struct Ended {
    code: i32,
    said: Option<Value>,
    text: String,
}

impl Rig {
    fn before(journey: Journey) -> Rig {
        let scene = Scene::new(SHOP);
        let begun = (journey.begin)(&scene);
        let nobody = World { database: None, backups: Vec::new() };
        let mut rig = Rig {
            scene,
            journey,
            begun,
            before: nobody.clone(),
            after: nobody,
            log: String::new(),
            beside: Vec::new(),
        };
        rig.save();
        rig
    }

    pub fn new(journey: Journey) -> Rig {
        let mut rig = Rig::before(journey);
        rig.before = rig.world();
        let ended = rig.run(None);
        assert_eq!(ended.code, 0, "{}: {}", rig.journey.name, ended.text);
        rig.log = rig.log();
        rig.in_order("undisturbed");
        rig.after = rig.world();
        rig
    }

    /// The points that an undisturbed one reaches.
    pub fn undisturbed(journey: Journey) -> String {
        let rig = Rig::before(journey);
        rig.run(None);
        rig.log()
    }

    pub fn strike_everywhere(&self) {
        let which = std::env::var("FAULTS").unwrap_or_default();
        let extent = if which.is_empty() { Extent::Sample(self.journey.own, self.number()) } else { Extent::All };
        let mut strokes = strokes(&self.log, extent);
        strokes.retain(|stroke| ["", "all", &stroke.name].contains(&which.as_str()));
        // in the suite every other stroke is followed by `recover`, and the rest by the next command
        let then = |n: usize| match (extent, n % 2) {
            (_, 1) => Then::NextCommand,
            (Extent::All, _) => Then::Both,
            (Extent::Sample(..), _) => Then::Recover,
        };
        let mut struck = 0;
        let mut wrong = Vec::new();
        for (n, stroke) in strokes.iter().enumerate() {
            // each has told what was wrong by then
            // what runs side by side is not reached equally often each time
            let until_it_comes = || (0..TRIES).any(|_| self.strike(stroke, then(n)));
            match catch_unwind(AssertUnwindSafe(until_it_comes)) {
                Ok(came_about) => struck += usize::from(came_about),
                Err(_) => wrong.push(stroke),
            }
        }
        println!("{}: {struck} of {} strokes survived", self.journey.name, strokes.len());
        assert!(wrong.is_empty(), "{}: {wrong:#?}", self.journey.name);
        assert!(struck * 10 >= strokes.len() * 9, "{}: only {struck} of {}", self.journey.name, strokes.len());
    }

    /// Its place among the journeys: others take the points on the disk that this one leaves out.
    fn number(&self) -> Option<usize> {
        // Prisma takes seconds each time
        let dear = self.begun.project.is_some();
        Journey::all().iter().position(|j| j.name == self.journey.name).filter(|_| !dear)
    }

    /// Tells whether it came about.
    fn strike(&self, stroke: &Stroke, then: Then) -> bool {
        self.reset();
        let ended = self.run(Some(stroke));
        let log = self.log();
        let what = format!("{}: {stroke:?}\n{}", self.journey.name, ended.text);
        if !log.lines().any(|line| line == "struck") {
            assert_eq!(ended.code, 0, "{what}");
            return false;
        }
        self.nobody_is_left(&what);
        match stroke.kind {
            Kind::Kill => assert_eq!(ended.code, 137, "{what}"),
            Kind::Eio | Kind::Enospc => self.ended_in_words(&ended, &what),
        }
        self.status_tells(&log, &ended, &what);
        if then != Then::NextCommand {
            self.in_order(&what);
            self.is_before_or_after(&what);
        }
        if then != Then::Recover {
            self.next_command(then, &what);
        }
        true
    }

    /// It works, by itself or after the `recover` that it asks for, and brings everything about.
    fn next_command(&self, then: Then, what: &str) {
        let mut next = self.run(None);
        if !self.may_end_with(&next) && then == Then::NextCommand {
            assert!(next.text.contains("`safemigrate recover`"), "{}\n{what}", next.text);
            self.in_order(what);
            next = self.run(None);
        }
        assert!(self.may_end_with(&next), "the next one: {}\n{what}", next.text);
        self.in_order(&format!("after the next one\n{what}"));
        self.same_backups_or_more(what);
        if self.journey.effect == Effect::Database {
            same(self.after.text(), self.world().text(), &format!("the next one brings everything about: {what}"));
        }
    }

    /// The backup that was to be deleted may be gone by now.
    fn may_end_with(&self, next: &Ended) -> bool {
        next.code == 0 || (self.journey.name == "delete" && next.code == 10)
    }

    fn ended_in_words(&self, ended: &Ended, what: &str) {
        assert!(!ended.text.contains("panicked"), "{what}");
        let Some(said) = &ended.said else { panic!("no JSON: {what}") };
        if ended.code == 0 {
            // what comes after the deed can only be noted
            assert_eq!(said["ok"], true, "{what}");
            if self.journey.effect == Effect::Database {
                same(self.after.text(), self.world().text(), &format!("done, it said: {what}"));
            }
            return;
        }
        let message = said["error"]["message"].as_str().unwrap_or_default();
        let says_nothing_changed = ["othing was changed", "database is untouched", "as it was"];
        let says_nothing_changed = says_nothing_changed.iter().any(|sentence| message.contains(sentence));
        let world = self.world();
        if says_nothing_changed && self.journey.effect == Effect::Database {
            same(self.before.text(), world.text(), &format!("nothing was changed, it said: {what}"));
        }
        let may_be_told_else = self.journey.effect == Effect::Store;
        assert!(says_nothing_changed || may_be_told_else || world.database == self.after.database, "{what}");
    }

    /// A run that was opened and not closed is named with what to do; one that ended in words is not.
    fn status_tells(&self, log: &str, ended: &Ended, what: &str) {
        let status = self.typed(&["status"]);
        assert_eq!(status.code, 0, "{}\n{what}", status.text);
        let Some(said) = status.said else { panic!("{}\n{what}", status.text) };
        let mut unfinished = said["unfinished"].as_array().unwrap().clone();
        if self.journey.name == "recover" {
            unfinished.retain(|run| run["command"] != "rollback");
        }
        let seen = |name: &str| log.lines().any(|line| line == format!("at {name}"));
        let must = ended.code == 137 && seen("run.opened") && !seen("run.closing");
        let may = seen("run.opening") && !(seen("run.closed") && ended.code == 137);
        assert!((usize::from(must)..=usize::from(may)).contains(&unfinished.len()), "{said}\n{what}");
        if let [run] = unfinished.as_slice() {
            assert_eq!(run["command"], self.begun.arguments[0].as_str(), "{said}\n{what}");
            assert!(!run["next"].as_str().unwrap_or_default().is_empty(), "{said}\n{what}");
        }
    }

    /// `recover` works, a second one finds nothing to do, and nothing of ours is left anywhere.
    fn in_order(&self, what: &str) {
        let first = self.typed(&["recover"]);
        assert_eq!(first.code, 0, "recover: {}\n{what}", first.text);
        let second = self.typed(&["recover"]);
        let said = second.said.unwrap_or_else(|| panic!("recover again: {}\n{what}", second.text));
        for (field, nothing) in [
            ("runs", serde_json::json!([])),
            ("databases_dropped", serde_json::json!([])),
            ("reopened", false.into()),
            ("put_back", false.into()),
            ("bytes_freed", 0.into()),
        ] {
            assert_eq!(said[field], nothing, "recover again: {said}\n{what}");
        }
        let ours = "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ 'safemigrate'";
        assert_eq!(self.scene.cluster.psql("postgres", ours), "", "no database of ours: {what}");
        assert_eq!(left_overs(&self.scene), Vec::<String>::new(), "{what}");
        let check = self.typed(&["check", "--all"]);
        assert!([0, 10].contains(&check.code), "check: {}\n{what}", check.text);
    }

    fn is_before_or_after(&self, what: &str) {
        let world = self.world();
        if self.journey.effect == Effect::Store {
            same(self.before.text(), world.text(), &format!("the database is untouched: {what}"));
        } else if world.database != self.after.database {
            same(self.before.text(), world.text(), &format!("as before, or as after: {what}"));
        }
        self.same_backups_or_more(what);
    }

    /// What was there and is not asked to go stays; a checkpoint is there with both halves or not at all.
    fn same_backups_or_more(&self, what: &str) {
        let backups = self.world().backups;
        if ["prune", "delete"].contains(&self.journey.name) {
            let kept = |id: &&String| self.after.backups.contains(id);
            assert!(self.before.backups.iter().filter(kept).all(|id| backups.contains(id)), "{backups:?}\n{what}");
            return;
        }
        assert!(self.before.backups.iter().all(|id| backups.contains(id)), "{backups:?}\n{what}");
        let of_pairs = backups.iter().filter(|id| !self.before.backups.contains(id));
        for id in of_pairs {
            let (kind, stem) = id.split_at(2);
            let other = format!("{}{stem}", if kind == "f-" { "d-" } else { "f-" });
            // after a migration only a full one is taken
            let alone = self.journey.name == "deploy" && kind == "f-";
            assert!(alone || backups.contains(&other), "half a checkpoint, {id}: {backups:?}\n{what}");
        }
    }

    fn world(&self) -> World {
        let open = "SELECT count(*) FROM pg_database WHERE datname = 'shop' AND datallowconn";
        let open = self.scene.cluster.psql("postgres", open) == "1";
        World { database: open.then(|| self.database()), backups: self.backups() }
    }

    /// The large objects are not in the lines of `state`; Prisma's journal has times in it.
    fn database(&self) -> String {
        let large = "SELECT count(*) || md5(string_agg(loid || encode(data, 'hex'), ',' ORDER BY loid, pageno)) FROM pg_largeobject";
        let state = self.scene.cluster.state("shop");
        let lines = state.lines().filter(|line| !line.contains("rows public._prisma_migrations"));
        lines.chain([self.scene.cluster.psql("shop", large).as_str()]).map(|line| format!("{line}\n")).collect()
    }

    fn backups(&self) -> Vec<String> {
        let said = self.typed(&["list"]).said.unwrap_or_default();
        assert_eq!(said["damaged"], serde_json::json!([]), "{said}");
        said["backups"].as_array().unwrap().iter().map(|b| b["id"].as_str().unwrap().to_owned()).collect()
    }

    fn nobody_is_left(&self, what: &str) {
        let ask = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'safemigrate'";
        wait_until(&format!("no session is left: {what}"), || self.scene.cluster.psql("postgres", ask) == "0");
        wait_until(&format!("no child is left: {what}"), || children(&self.scene).is_empty());
    }
}

impl World {
    fn text(&self) -> &str {
        self.database.as_deref().unwrap_or("(no database)")
    }
}

/// The world before each stroke.
impl Rig {
    fn save(&mut self) {
        let psql = |sql: &str| self.scene.cluster.psql("postgres", sql);
        let ours = "SELECT datname || ' ' || shobj_description(oid, 'pg_database') FROM pg_database WHERE datname ~ '_safemigrate_'";
        let found = psql(ours);
        let found = found.lines().filter_map(|line| line.split_once(' '));
        self.beside = found.map(|(name, mark)| (name.to_owned(), mark.to_owned())).collect();
        // one that a crash has closed cannot be copied
        self.allow_connections(true);
        psql("CREATE DATABASE saved TEMPLATE shop");
        if self.scene.store().exists() {
            copy(&self.scene.store(), &self.saved_store());
        }
        self.reset();
    }

    fn allow_connections(&self, allowed: bool) {
        let which = "datname = 'shop' OR datname ~ '^shop_safemigrate_'";
        self.scene.cluster.psql("postgres", &format!("UPDATE pg_database SET datallowconn = {allowed} WHERE {which}"));
    }

    fn reset(&self) {
        let psql = |sql: &str| self.scene.cluster.psql("postgres", sql);
        let there = "SELECT datname FROM pg_database WHERE datname = 'shop' OR datname ~ '^shop_safemigrate_'";
        for name in psql(there).lines() {
            psql(&format!("DROP DATABASE \"{name}\" WITH (FORCE)"));
        }
        if !self.journey.without_database {
            psql("CREATE DATABASE shop TEMPLATE saved STRATEGY file_copy");
        }
        for (name, mark) in &self.beside {
            psql(&format!("CREATE DATABASE {name} TEMPLATE saved STRATEGY file_copy"));
            psql(&format!("COMMENT ON DATABASE {name} IS '{mark}'"));
            self.allow_connections(false);
        }
        let _ = fs::remove_dir_all(self.scene.store());
        if self.saved_store().exists() {
            copy(&self.saved_store(), &self.scene.store());
        }
        let _ = fs::remove_file(self.log_file());
    }

    fn saved_store(&self) -> PathBuf {
        self.scene.folder.path().join("saved store")
    }

    fn log_file(&self) -> PathBuf {
        self.scene.folder.path().join("fault.log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }
}

/// Commands, as they are typed.
impl Rig {
    fn run(&self, stroke: Option<&Stroke>) -> Ended {
        let arguments: Vec<&str> = self.begun.arguments.iter().map(String::as_str).collect();
        let mut command = self.command(&arguments);
        command.env("SAFEMIGRATE_FAULT_LOG", self.log_file());
        if let Some(Stroke { name, nth, kind }) = stroke {
            command.env("SAFEMIGRATE_FAULT", format!("{name}:{nth}:{}", kind.name()));
        }
        self.ended(command)
    }

    fn typed(&self, arguments: &[&str]) -> Ended {
        self.ended(self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let arguments = [arguments, &["--json"]].concat();
        let Some(project) = &self.begun.project else { return self.scene.command(&arguments) };
        let mut command = project.command(env!("CARGO_BIN_EXE_safemigrate"));
        command.env("SAFEMIGRATE_STORE", self.scene.store()).args(arguments).stdin(Stdio::null());
        command
    }

    fn ended(&self, mut command: Command) -> Ended {
        let child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (code, stdout, stderr) = ended(child);
        Ended { code, said: serde_json::from_str(&stdout).ok(), text: format!("exit code {code}\n{stdout}\n{stderr}") }
    }
}

/// Programs that were started for this store.
fn children(scene: &Scene) -> Vec<String> {
    crate::scene::children_of(&scene.store())
}

fn left_overs(scene: &Scene) -> Vec<String> {
    crate::scene::left_overs(&scene.store()).into_iter().filter(|path| !path.starts_with("rejects/")).collect()
}
