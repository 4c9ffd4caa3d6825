//! One bad input: what is typed, and what must be said.

use crate::scene::{CANARY, SHOP, Scene};
use crate::support::Output;
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;

/// Typed at a scene: must end with this code, this kind and these words, as text and as JSON.
pub struct Case<'a> {
    pub arguments: Vec<&'a str>,
    pub environment: Vec<(&'a str, OsString)>,
    pub code: i32,
    pub kind: &'a str,
    pub says: &'a [&'a str],
}

pub fn case<'a>(arguments: &[&'a str], code: i32, kind: &'a str, says: &'a [&'a str]) -> Case<'a> {
    Case { arguments: arguments.to_vec(), environment: Vec::new(), code, kind, says }
}

impl<'a> Case<'a> {
    pub fn with(mut self, name: &'a str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }
}

/// A scene with one checkpoint, and how its database must look after every case.
pub struct Stage {
    pub scene: Scene,
    pub full: String,
    pub data: String,
    dump: String,
    listed: Vec<String>,
}

impl Stage {
    pub fn new() -> Stage {
        let scene = Scene::new(SHOP);
        let (full, data) = scene.backup();
        let (dump, listed) = (scene.dump(), scene.listed());
        Stage { scene, full, data, dump, listed }
    }

    /// The same stage after somebody else has changed the database.
    pub fn with_dump_of_now(self) -> Stage {
        Stage { dump: self.scene.dump(), ..self }
    }

    /// Plays the case twice, as a person reads it and as a script does.
    #[track_caller]
    pub fn refuses(&self, case: &Case<'_>) {
        let text = self.play(case, &[]);
        let json = self.play(case, &["--json"]);
        let said: Value =
            serde_json::from_str(&json.stdout).unwrap_or_else(|e| panic!("not one JSON object: {e}{json}"));
        assert_eq!((said["ok"].as_bool(), said["command"].is_string()), (Some(false), true), "{json}");
        assert_eq!(said["error"]["kind"].as_str(), Some(case.kind), "{json}");
        let message = said["error"]["message"].as_str().unwrap_or_else(|| panic!("no message{json}"));
        let hints: Vec<&str> = said["error"]["hints"].as_array().unwrap().iter().map(|h| h.as_str().unwrap()).collect();
        let all = format!("{message}\n{}", hints.join("\n"));
        for words in case.says {
            assert!(all.contains(words), "JSON does not say {words:?}{json}");
            assert!(text.stderr.contains(words), "nowhere says {words:?}{text}");
        }
        assert!(text.stderr.contains("error: ") && text.stdout.is_empty(), "{text}");
        assert!(!hints.is_empty(), "a hint says what to type next{json}");
        if std::env::var_os("SHOW").is_some() {
            eprintln!("{text}");
        }
        assert_eq!(self.scene.dump(), self.dump, "the database is as it was{text}");
        assert_eq!(self.scene.listed(), self.listed, "the backups are as they were{text}");
    }

    fn play(&self, case: &Case<'_>, more: &[&str]) -> Output {
        let mut command = self.scene.command(&case.arguments);
        command.args(more).envs(case.environment.iter().map(|(name, value)| (name, value)));
        for (name, _) in case.environment.iter().filter(|(_, value)| value.is_empty()) {
            command.env_remove(name);
        }
        let output = Output::of(&mut command);
        assert_eq!(output.code, case.code, "{output}");
        for secret in [CANARY, "c4nary", "P%40ss", "w%25rd"] {
            assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "a secret{output}");
        }
        output
    }
}

/// A folder below the scene's, made.
pub fn folder(stage: &Stage, name: &str) -> std::path::PathBuf {
    let path = stage.scene.folder.path().join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

pub fn text(path: &Path) -> String {
    path.display().to_string()
}
