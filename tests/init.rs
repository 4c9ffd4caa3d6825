//! `init` and `init --undo` in projects as people have them: what is shown, what is done, what is taken back.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Cluster, Output, Project, Shape, Terminal};
use tempfile::TempDir;

const SCHEMA: &str = "datasource db {\n  provider = \"postgresql\"\n}\n";
const PACKAGE: &str = r#"{
  "name": "shop",
  "scripts": {
    "dev": "next dev",
    "build": "prisma generate && npx prisma migrate deploy && next build",
    "db:reset": "npx prisma migrate reset --force"
  },
  "devDependencies": { "prisma": "^7.0.0" }
}
"#;

/// A folder with a project's files; nothing is installed in it.
struct App(TempDir);

impl App {
    fn new(files: &[(&str, &str)]) -> Self {
        let app = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            app.write(name, text);
        }
        app
    }

    fn prisma() -> Self {
        let app = Self::new(&[("package.json", PACKAGE), ("prisma/schema.prisma", SCHEMA)]);
        app.git_init();
        app
    }

    fn git_init(&self) {
        let mut git = Command::new("git");
        git.args(["init", "--quiet", "--template=", "--initial-branch=main"]).current_dir(self.0.path());
        Output::of(&mut git).ok();
    }

    fn root(&self) -> PathBuf {
        fs::canonicalize(self.0.path()).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// All there is: names, contents, permissions.
    fn state(&self) -> BTreeMap<PathBuf, (String, u32)> {
        let entries = walkdir::WalkDir::new(self.0.path()).into_iter().flatten().filter(|e| e.file_type().is_file());
        let one = |path: &Path| {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            (path.to_owned(), (fs::read_to_string(path).unwrap(), mode))
        };
        entries.map(|entry| one(entry.path())).collect()
    }

    fn command(&self, folder: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_safemigrate"));
        command.args(arguments).current_dir(self.0.path().join(folder)).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.0.path().join("home"));
        command.env("TERM", "xterm-256color").env("NO_COLOR", "1");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_in("", arguments)
    }

    fn run_in(&self, folder: &str, arguments: &[&str]) -> Output {
        Output::of(&mut self.command(folder, arguments))
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.run(&[arguments, &["--json"]].concat()).ok();
        serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output}"))
    }

    /// `init`, then `init` again, then `init --undo`: the second changes nothing, the last leaves nothing.
    #[track_caller]
    fn there_and_back(&self, arguments: &[&str]) {
        let call = |more: &[&str]| self.run(&[&["init", "--yes"], arguments, more].concat()).ok();
        let before = self.state();
        call(&[]);
        let after = self.state();
        assert_ne!(before, after);
        call(&[]).says("Everything is set up already. Nothing was changed.");
        assert_eq!(self.state(), after);
        call(&["--undo"]);
        assert_eq!(self.state(), before);
        call(&["--undo"]).says("Nothing of init is left here. Nothing was changed.");
    }
}

#[test]
fn it_shows_exactly_what_it_does() {
    let app = App::prisma();
    let before = app.state();
    let shown = app.run(&["init", "--dry-run"]).ok();
    // what the hook says is told by its own tests
    let (files, rest) =
        shown.stdout.split_once("new file mode 100755\n--- /dev/null\n+++ .git/hooks/pre-push\n").unwrap();
    let (hook, end) = rest.split_once("note: ").unwrap();
    assert!(hook.contains("\n+safemigrate_input | safemigrate hook pre-push"), "{hook}");
    insta::assert_snapshot!(format!("{files}note: {end}"), @r#"
    --- /dev/null
    +++ safemigrate.toml
    @@ -0,0 +1,17 @@
    +# Settings of safemigrate; every line is optional.
    +# [store]
    +# path = ".safemigrate"                 # where the backups are
    +# [retention]
    +# keep = 10                             # backups of each kind that stay
    +# [guard]
    +# production = ["*.prod.example.com"]   # never reset: host, host/database or database
    +# development = ["db.dev.example.com"]  # yours to reset
    +
    +# What `safemigrate init` changed, for `safemigrate init --undo`.
    +[init]
    +ignore = { file = ".gitignore", line = ".safemigrate/" }
    +hook = true
    +[init.scripts]
    +"build" = { was = "prisma generate && npx prisma migrate deploy && next build", now = "prisma generate && safemigrate deploy && next build" }
    +"db:migrate" = { now = "safemigrate dev" }
    +"db:reset" = { was = "npx prisma migrate reset --force", now = "safemigrate reset --force" }
    --- package.json
    +++ package.json
    @@ -2,8 +2,9 @@
       "name": "shop",
       "scripts": {
         "dev": "next dev",
    -    "build": "prisma generate && npx prisma migrate deploy && next build",
    -    "db:reset": "npx prisma migrate reset --force"
    +    "build": "prisma generate && safemigrate deploy && next build",
    +    "db:reset": "safemigrate reset --force",
    +    "db:migrate": "safemigrate dev"
       },
       "devDependencies": { "prisma": "^7.0.0" }
     }
    --- /dev/null
    +++ .gitignore
    @@ -0,0 +1 @@
    +.safemigrate/
    note: "build" takes a backup before it deploys now: where it runs, safemigrate and pg_dump have to be there.
    This is what would be done. Nothing was changed.
    "#);
    assert_eq!(app.state(), before);

    // the same is shown before the question that nobody answers
    let unasked = app.run(&["init"]).code(7).says("add --yes to say yes");
    let diff = shown.stdout.split("This is what").next().unwrap();
    assert!(unasked.stderr.starts_with(diff), "{unasked}");
    assert_eq!(app.state(), before);

    let done = app.run(&["init", "--yes"]).ok();
    assert!(done.stderr.starts_with(diff), "{done}");
    insta::assert_snapshot!(done.stdout, @r#"
    ✔ safemigrate.toml created
    ✔ package.json changed
    ✔ .gitignore created
    ✔ .git/hooks/pre-push created
    Still to do, for the scripts to run: npm install --save-dev safemigrate
    From now on: npm run db:migrate
    To take this back: safemigrate init --undo
    "#);
    // and a patch made of what was shown does the same
    let twin = App::prisma();
    twin.write("shown.diff", files);
    let mut patch = Command::new("git");
    patch.args(["apply", "-p0", "shown.diff"]).current_dir(twin.0.path());
    Output::of(&mut patch).ok();
    for file in ["safemigrate.toml", "package.json", ".gitignore"] {
        assert_eq!(twin.read(file), app.read(file), "{file}");
    }
}

#[test]
fn twice_is_once_and_undo_leaves_nothing() {
    App::prisma().there_and_back(&[]);
    for (name, package) in [
        ("tabs and CRLF", PACKAGE.replace("  ", "\t").replace('\n', "\r\n")),
        ("one line", r#"{"scripts":{"x":"yarn prisma db push"},"dependencies":{"prisma":"6"}}"#.to_owned()),
        ("no scripts", "{\n    \"dependencies\": { \"prisma\": \"6\" }\n}".to_owned()),
        ("a byte order mark", format!("\u{feff}{PACKAGE}")),
    ] {
        println!("{name}");
        let ignores = ["node_modules\n", "node_modules", "node_modules\r\n.env\r\n"];
        for ignore in ignores {
            App::new(&[("package.json", &package), ("prisma/schema.prisma", SCHEMA), (".gitignore", ignore)])
                .there_and_back(&[]);
        }
    }
    let app = App::prisma();
    app.write("safemigrate.toml", "# ours\n[guard]\nproduction = [\"*.prod.example.com\"]\n");
    fs::set_permissions(app.0.path().join("package.json"), fs::Permissions::from_mode(0o600)).unwrap();
    app.there_and_back(&[]);
}

#[test]
fn json_names_every_file() {
    let app = App::prisma();
    app.write(".gitignore", ".safemigrate\n");
    let changes = |value: &serde_json::Value| -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        value["changes"].as_array().unwrap().iter().map(|c| (text(&c["path"]), text(&c["change"]))).collect()
    };
    let owned = |list: [(&str, &str); 3]| list.map(|(path, change)| (path.to_owned(), change.to_owned())).to_vec();
    let first = app.json(&["init", "--yes"]);
    assert_eq!((&first["command"], &first["ok"]), (&"init".into(), &true.into()));
    let expected =
        owned([("safemigrate.toml", "created"), ("package.json", "changed"), (".git/hooks/pre-push", "created")]);
    assert_eq!(changes(&first)[..3], expected);
    assert_eq!(changes(&first)[3], (".gitignore".to_owned(), "unchanged".to_owned()));
    assert!(first["notes"][0].as_str().unwrap().contains("pg_dump"), "{first}");
    let again = app.json(&["init", "--yes"]);
    let expected =
        owned([("safemigrate.toml", "unchanged"), ("package.json", "unchanged"), (".gitignore", "unchanged")]);
    assert_eq!(changes(&again), expected);
    let undone = app.json(&["init", "--undo", "--yes"]);
    assert!(changes(&undone).contains(&("safemigrate.toml".to_owned(), "removed".to_owned())), "{undone}");
    let refused = app.run(&["init", "--json"]).code(7);
    let refused: serde_json::Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!(refused["error"]["kind"], "confirmation");
}

#[test]
fn each_package_manager_gets_its_own_line() {
    for (trace, install, run) in [
        ("package-lock.json", "npm install --save-dev safemigrate", "npm run db:migrate"),
        ("pnpm-lock.yaml", "pnpm add --save-dev safemigrate", "pnpm run db:migrate"),
        ("yarn.lock", "yarn add --dev safemigrate", "yarn run db:migrate"),
        ("bun.lock", "bun add --dev safemigrate", "bun run db:migrate"),
    ] {
        let app = App::prisma();
        app.write(trace, "");
        app.run(&["init", "-y"]).ok().says(install).says(&format!("From now on: {run}\n"));
    }
    let app = App::prisma();
    app.write(
        "package.json",
        &PACKAGE.replace("\"prisma\":", "\"safemigrate\": \"1\", \"prisma\":").replace("reset --force", "dev"),
    );
    let output = app.run(&["init", "-y"]).ok().says("From now on: npm run db:reset\n");
    assert!(!output.stdout.contains("Still to do"), "{output}");
}

#[test]
fn a_project_in_a_monorepo_is_set_up_where_it_is() {
    let app = App::new(&[
        (".gitignore", "dist\n"),
        ("package.json", r#"{"workspaces":["apps/*"],"scripts":{"db":"npm -w web run prisma migrate dev"}}"#),
        ("pnpm-workspace.yaml", "packages: [\"apps/*\"]\n"),
        ("apps/web/package.json", PACKAGE),
        ("apps/web/prisma/schema/main.prisma", SCHEMA),
        ("apps/api/package.json", "{}"),
        ("node_modules/x/package.json", PACKAGE),
    ]);
    app.git_init();
    let lost = app.run(&["init"]).code(1);
    insta::assert_snapshot!(lost.stderr.replace(app.root().to_str().unwrap(), "REPO"), @r#"
    error: No Prisma project in REPO or above. Nothing was changed
    hint: There is one below: safemigrate init --project apps/web
    hint: Go into the folder with package.json and prisma/schema.prisma, or name it: --project DIR.
    hint: Backups and restores also work without a project: --url postgresql://USER@HOST/DATABASE.
    "#);
    app.there_and_back(&["--project", "apps/web"]);
    let done = app.run_in("apps/web", &["init", "--yes"]).ok().says("pnpm add --save-dev safemigrate");
    assert!(done.stderr.contains("note: ../../package.json has a script that calls Prisma, \"db\""), "{done}");
    assert_eq!(app.read(".gitignore"), "dist\n.safemigrate/\n");
    assert!(app.read("apps/web/safemigrate.toml").contains("file = \"../../.gitignore\""));
    assert!(!app.0.path().join("safemigrate.toml").exists() && app.read("apps/api/package.json") == "{}");
    app.run_in("apps/web", &["init", "--undo", "-y"]).ok();
    assert_eq!(app.read(".gitignore"), "dist\n");
}

#[test]
fn the_ignore_line_follows_the_store() {
    let store = |path: &str, ignore: &str| {
        let app = App::prisma();
        app.write("safemigrate.toml", &format!("[store]\npath = \"{path}\"\n"));
        app.write(".gitignore", ignore);
        app.run(&["init", "-y"]).ok();
        app.read(".gitignore")
    };
    assert_eq!(store("var/backups", "a\n"), "a\nvar/backups/\n");
    assert_eq!(store("../outside", "a\n"), "a\n");
    assert_eq!(store("b", "**/b/**\n"), "**/b/**\n");
    let without_git = App::new(&[("package.json", PACKAGE), ("prisma/schema.prisma", SCHEMA)]);
    without_git.run(&["init", "-y"]).ok();
    assert!(!without_git.0.path().join(".gitignore").exists());
}

#[test]
fn undo_takes_back_only_what_is_still_ours() {
    let app = App::prisma();
    app.run(&["init", "-y"]).ok();
    let package =
        app.read("package.json").replace("safemigrate reset --force", "safemigrate reset --force && npm run seed");
    app.write("package.json", &package.replace("\"name\": \"shop\"", "\"name\": \"shop2\""));
    app.write(".gitignore", &format!("{}/coverage\n", app.read(".gitignore")));
    let toml = app.read("safemigrate.toml").replace("# [retention]\n# keep = 10 ", "[retention]\nkeep = 3");
    app.write("safemigrate.toml", &toml);
    let undone = app.run(&["init", "--undo", "-y"]).ok();
    insta::assert_snapshot!(undone.stderr.lines().filter(|l| l.starts_with("note")).collect::<Vec<_>>().join("\n"), @r#"
    note: The script "db:reset" was changed since, and stays; before init it was `npx prisma migrate reset --force`.
    note: safemigrate.toml says more than init wrote, and stays.
    "#);
    let expected = PACKAGE.replace("npx prisma migrate reset --force", "safemigrate reset --force && npm run seed");
    assert_eq!(app.read("package.json"), expected.replace("\"name\": \"shop\"", "\"name\": \"shop2\""));
    assert_eq!(app.read(".gitignore"), "/coverage\n");
    let rest = app.read("safemigrate.toml");
    assert!(rest.contains("keep = 3") && !rest.contains("init"), "{rest}");
    app.run(&["list"]).ok();
}

#[test]
fn what_is_no_prisma_project_is_refused() {
    let nothing = App::new(&[("package.json", "{}")]);
    let refused = nothing.run(&["init", "--yes"]).code(1).says("No Prisma project in ");
    assert!(refused.stderr.contains("Nothing was changed"), "{refused}");
    let cases = [
        ("package.json", "{ \"scripts\": ", "is not valid JSON"),
        ("package.json", "{ \"scripts\": [], \"dependencies\": { \"prisma\": \"7\" } }", "cannot be understood"),
        (
            "prisma/schema.prisma",
            "datasource db {\n  provider = \"mysql\"\n}\n",
            "is for PostgreSQL; the datasource of ",
        ),
        ("safemigrate.toml", "[nonsense]\n", "unknown field"),
    ];
    for (file, text, says) in cases {
        let app = App::prisma();
        app.write(file, text);
        let before = app.state();
        let refused = app.run(&["init", "--yes"]).code(1).says(says);
        assert!(refused.stderr.contains("Nothing was changed"), "{refused}");
        assert_eq!(app.state(), before, "{file}");
    }
    assert!(!nothing.0.path().join("safemigrate.toml").exists());
    let latin = App::prisma();
    fs::write(latin.0.path().join(".gitignore"), [b'a', 0xe4, b'\n']).unwrap();
    latin.run(&["init", "--yes"]).code(1).says(".gitignore cannot be read as text. Nothing was changed");
    assert!(!latin.0.path().join("safemigrate.toml").exists());
}

#[test]
fn a_person_is_asked() {
    let app = App::prisma();
    let before = app.state();
    let mut terminal = Terminal::spawn(app.command("", &["init"]));
    terminal.expect("+    \"build\": \"prisma generate && safemigrate deploy && next build\"");
    terminal.expect("as shown? [Y/n] ");
    terminal.send_line("n");
    terminal.expect("Cancelled. Nothing was changed");
    assert_eq!(terminal.wait(), 130);
    assert_eq!(app.state(), before);
    let mut terminal = Terminal::spawn(app.command("", &["init"]));
    terminal.expect("as shown? [Y/n] ");
    terminal.send_line("");
    terminal.expect("✔ package.json changed");
    assert_eq!(terminal.wait(), 0);
    assert!(app.read("package.json").contains("safemigrate reset --force"));
}

#[test]
fn a_link_stays_a_link() {
    let app = App::prisma();
    app.write("shared/package.json", PACKAGE);
    fs::remove_file(app.0.path().join("package.json")).unwrap();
    symlink("shared/package.json", app.0.path().join("package.json")).unwrap();
    app.run(&["init", "-y"]).ok();
    assert!(fs::symlink_metadata(app.0.path().join("package.json")).unwrap().is_symlink());
    assert!(app.read("shared/package.json").contains("safemigrate deploy"));
    app.run(&["init", "--undo", "-y"]).ok();
    assert_eq!(app.read("shared/package.json"), PACKAGE);
}

#[test]
fn a_script_of_init_guards_a_real_migration() {
    let cluster = Cluster::start();
    let mut project = Project::prisma7(Shape::Product, &cluster, "shop");
    cluster.prepare(&project, "shop");
    cluster.psql("shop", r#"INSERT INTO "Product" (name, price) VALUES ('a', 1)"#);
    project.edit_schema("price Decimal", "price Decimal\n  note String?");
    let sql = r#"ALTER TABLE "Product" ADD COLUMN "note" TEXT;"#;
    project.write("prisma/migrations/20270101000000_note/migration.sql", sql);
    project.safemigrate(&["init", "--yes"]).ok();
    let programs = Path::new(env!("CARGO_BIN_EXE_safemigrate")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    project.env("PATH", format!("{}:{path}", programs.display()));
    let migrated = Output::of(project.command("npm").args(["run", "db:migrate"])).ok();
    assert!(migrated.stdout.contains("Your data is all there: 1 row in 1 table"), "{migrated}");
    assert_eq!(project.json(&["list"]).1["backups"].as_array().unwrap().len(), 3);
    assert_eq!(cluster.psql("shop", r#"SELECT count(*), count(note) FROM "Product""#), "1|0");
}

#[test]
fn the_hook_comes_and_goes_with_it() {
    let app = App::prisma();
    app.write(".git/hooks/pre-push", "#!/bin/sh\necho mine\n");
    fs::set_permissions(app.0.path().join(".git/hooks/pre-push"), fs::Permissions::from_mode(0o755)).unwrap();
    app.there_and_back(&[]);
    app.run(&["init", "--yes"]).ok().says("✔ .git/hooks/pre-push ");
    assert!(app.read(".git/hooks/pre-push").contains("safemigrate"));
    // one that was installed by hand before is not ours to take out
    let app = App::prisma();
    app.run(&["hook", "install"]).ok();
    app.there_and_back(&[]);
    assert!(app.read(".git/hooks/pre-push").contains("safemigrate"));
    // with lefthook it is a line in a file of the project
    let app = App::prisma();
    app.write("lefthook.yml", "pre-commit:\n  commands:\n    lint:\n      run: npm run lint\n");
    app.there_and_back(&[]);
    let app = App::prisma();
    app.write("lefthook.toml", "");
    let done = app.run(&["init", "--yes"]).ok();
    assert!(
        done.stderr.contains("note: The git hook is left as it is. ") && done.stderr.contains("lefthook.toml"),
        "{done}"
    );
    assert!(app.read("package.json").contains("safemigrate dev"));
}
