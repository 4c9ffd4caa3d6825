//! The npm packages: installed by real npm and pnpm from the tarballs, and the few lines of JavaScript in front of the program.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::{Output, Terminal};
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Nobody listens there: whatever is asked of a registry fails.
const NO_REGISTRY: &str = "http://127.0.0.1:9/";

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn json(file: impl AsRef<Path>) -> serde_json::Value {
    let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.as_ref().display()));
    serde_json::from_str(&text).unwrap()
}

/// `linux-x64` …: the folders of the packages with a program inside.
fn platforms() -> BTreeSet<String> {
    let folders = fs::read_dir(home().join("npm")).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
    folders.filter(|name| name != "safemigrate").collect()
}

/// This machine, as Node.js calls it.
fn platform() -> String {
    let cpu = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    format!("{os}-{cpu}")
}

fn write_program(file: &Path, script: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, script).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_packages_fit_each_other_and_hold_no_version() {
    let wrapper = json(home().join("npm/safemigrate/package.json"));
    let listed = wrapper["optionalDependencies"].as_object().unwrap();
    let names: BTreeSet<String> = platforms().iter().map(|p| format!("@safemigrate/{p}")).collect();
    assert_eq!(listed.keys().cloned().collect::<BTreeSet<_>>(), names);
    // Cargo.toml alone has it: npm refuses to publish a package without one
    assert!(listed.values().all(|version| version == "") && wrapper.get("version").is_none(), "{wrapper}");
    for platform in platforms() {
        let package = json(home().join("npm").join(&platform).join("package.json"));
        let (os, cpu) = platform.split_once('-').unwrap();
        assert_eq!(package["name"], format!("@safemigrate/{platform}"));
        assert_eq!((&package["os"], &package["cpu"]), (&[os].into(), &[cpu].into()));
        assert_eq!(package.get("libc").is_some(), os == "linux", "{package}");
        assert!(package.get("version").is_none() && package.get("scripts").is_none(), "{package}");
    }
}

/// The tarballs of this machine and, for the other ones, packages without a program, which must not be looked at.
struct Tarballs(TempDir);

impl Tarballs {
    fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("safemigrate");
        // without its symbols it is a third as large
        let stripped = Command::new("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_safemigrate")).status();
        assert!(stripped.unwrap().success());
        let mut pack = Command::new(home().join("scripts/npm-pack"));
        pack.arg("--binary").arg(&program).arg("--to").arg(folder.path()).env("HOME", folder.path());
        let packed = Output::of(&mut pack).ok();
        assert_eq!(packed.stdout.lines().filter(|line| Path::new(line).is_file()).count(), 2, "{packed}");
        for other in platforms().into_iter().filter(|other| *other != platform()) {
            let package = folder.path().join(&other).join("package");
            fs::create_dir_all(&package).unwrap();
            let mut text = json(home().join("npm").join(&other).join("package.json"));
            text["version"] = VERSION.into();
            fs::write(package.join("package.json"), text.to_string()).unwrap();
            let mut tar = Command::new("tar");
            let file = folder.path().join(format!("safemigrate-{other}-{VERSION}.tgz"));
            tar.arg("-czf").arg(file).arg("-C").arg(package.parent().unwrap()).arg("package");
            Output::of(&mut tar).ok();
        }
        Self(folder)
    }

    fn wrapper(&self) -> String {
        format!("file:{}/safemigrate-{VERSION}.tgz", self.0.path().display())
    }

    /// Each platform's package, so that no registry is asked for it.
    fn overrides(&self) -> serde_json::Map<String, serde_json::Value> {
        let file = |platform: &str| format!("file:{}/safemigrate-{platform}-{VERSION}.tgz", self.0.path().display());
        platforms().iter().map(|p| (format!("@safemigrate/{p}"), file(p).into())).collect()
    }
}

/// A fresh project with the package installed, and the one who installs.
struct Fresh {
    folder: TempDir,
    manager: PathBuf,
}

impl Fresh {
    fn new(manager: PathBuf, tarballs: &Tarballs) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut package = serde_json::json!({
            "name": "app", "version": "1.0.0", "private": true,
            "scripts": { "guard": "safemigrate --version", "wrong": "safemigrate list --nonsense" },
            "devDependencies": { "safemigrate": tarballs.wrapper() },
        });
        package["overrides"] = tarballs.overrides().into();
        package["pnpm"] = serde_json::json!({ "overrides": tarballs.overrides() });
        fs::write(folder.path().join("package.json"), package.to_string()).unwrap();
        let fresh = Self { folder, manager };
        fresh.run(&["install"]).ok();
        fresh
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.folder.path().join("home"));
        command.env("npm_config_registry", NO_REGISTRY).env("npm_config_update_notifier", "false");
        command.env("npm_config_audit", "false").env("npm_config_fund", "false").env("npm_config_fetch_retries", "0");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Output::of(&mut self.command(&self.manager, arguments))
    }
}

fn works(fresh: &Fresh, execute: &[&str]) {
    let version = format!("safemigrate {VERSION}\n");
    let words = |more: &[&'static str]| [execute, &["safemigrate"], more].concat();
    let call = |words: &[&str]| Output::of(&mut fresh.command(Path::new(words[0]), &words[1..]));
    assert_eq!(call(&words(&["--version"])).ok().stdout, version);
    assert!(fresh.run(&["run", "guard"]).ok().stdout.ends_with(&version));
    fresh.run(&["run", "wrong"]).code(2).says("Unexpected argument '--nonsense'");
    let object = call(&words(&["show", "--json"])).code(2).stdout;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&object).unwrap()["error"]["kind"], "usage");
}

#[test]
fn npm_and_pnpm_install_it_and_its_scripts_run() {
    let tarballs = Tarballs::build();
    let pnpm = home().join("fixtures/pnpm/node_modules/.bin/pnpm");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let fresh = Fresh::new("npm".into(), &tarballs);
            works(&fresh, &["npx"]);
            let installed = fresh.folder.path().join("node_modules/@safemigrate");
            // the others' were left out by their `os` and `cpu`
            assert_eq!(fs::read_dir(&installed).unwrap().count(), 1);
            let package = json(installed.join(platform()).join("package.json"));
            assert_eq!(package["version"], VERSION);
            let wrapper = json(fresh.folder.path().join("node_modules/safemigrate/package.json"));
            assert_eq!(wrapper["version"], VERSION);
            assert!(wrapper["optionalDependencies"].as_object().unwrap().values().all(|version| version == VERSION));

            fs::remove_dir_all(fresh.folder.path().join("node_modules")).unwrap();
            fresh.run(&["install", "--omit=optional"]).ok();
            let missing = Output::of(&mut fresh.command(Path::new("npx"), &["safemigrate", "list"])).code(12);
            assert!(missing.stderr.contains("--omit=optional"), "{missing}");
        });
        scope.spawn(|| {
            let fresh = Fresh::new(pnpm.clone(), &tarballs);
            works(&fresh, &[&pnpm.display().to_string(), "exec"]);
        });
    });
}

#[test]
fn a_binary_of_another_version_is_not_packed() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("old");
    write_program(&program, "#!/bin/sh\necho safemigrate 9.9.9\n");
    let mut pack = Command::new(home().join("scripts/npm-pack"));
    let packed = Output::of(pack.arg("--binary").arg(&program).arg("--to").arg(folder.path().join("out"))).code(1);
    assert!(packed.stderr.contains("says 'safemigrate 9.9.9'"), "{packed}");
    assert!(!folder.path().join("out").exists());
}

/// `node_modules` with the wrapper and, in the place of the program, whatever a test wants.
struct Wrapper(TempDir);

impl Wrapper {
    fn without_program() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let modules = folder.path().join("node_modules");
        fs::create_dir_all(modules.join("safemigrate/bin")).unwrap();
        for file in ["package.json", "bin/safemigrate.js"] {
            fs::copy(home().join("npm/safemigrate").join(file), modules.join("safemigrate").join(file)).unwrap();
        }
        Self(folder)
    }

    fn with_script(script: &str) -> Self {
        let wrapper = Self::without_program();
        write_program(&wrapper.program(), script);
        wrapper
    }

    fn program(&self) -> PathBuf {
        self.0.path().join("node_modules/@safemigrate").join(platform()).join("bin/safemigrate")
    }

    /// `before`: JavaScript that makes Node.js another one.
    fn node(&self, before: &str, words: &[&str]) -> Command {
        let prelude = self.0.path().join("before.js");
        fs::write(&prelude, before).unwrap();
        let mut node = Command::new("node");
        node.arg("--require").arg(prelude).arg(self.0.path().join("node_modules/safemigrate/bin/safemigrate.js"));
        node.args(words).stdin(Stdio::null());
        node
    }
}

/// Node.js 22.15 and later can become the program; both ways are tried on whichever is here.
const STAYS: &str = "delete process.execve;";
const BECOMES: &str = "process.execve = (file, [name, ...words], env) => {
    const { status } = require('child_process').spawnSync(file, words, { argv0: name, env, stdio: 'inherit' });
    process.exit(status);
};";

#[test]
fn words_streams_and_exit_codes_pass_through() {
    for before in [STAYS, BECOMES] {
        let wrapper = Wrapper::with_script("#!/bin/sh\nprintf '[%s]' \"$@\"; cat; echo err >&2; exit 45\n");
        let mut node = wrapper.node(before, &["a b", "", "--json", "--", "ü$'\"\\"]);
        let mut child = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"from stdin").unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&output.stdout), "[a b][][--json][--][ü$'\"\\]from stdin");
        assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("err\n", Some(45)));
    }
    let wrapper = Wrapper::without_program();
    fs::create_dir_all(wrapper.program().parent().unwrap()).unwrap();
    symlink(env!("CARGO_BIN_EXE_safemigrate"), wrapper.program()).unwrap();
    Output::of(&mut wrapper.node("", &["--version"])).ok().says(&format!("safemigrate {VERSION}"));
}

/// Started, and its first line was read.
fn started(mut node: Command) -> Child {
    let mut child = node.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

fn signal(process: u32, name: &str) {
    Output::of(Command::new("kill").args([name, &process.to_string()])).ok();
}

#[test]
fn a_request_to_end_reaches_the_program_and_its_end_is_ours() {
    let patient =
        "#!/bin/sh\ntrap 'exit 130' TERM\necho ready\nn=0\nwhile [ $((n += 1)) -lt 500 ]; do sleep 0.02; done\n";
    let wrapper = Wrapper::with_script(patient);
    let mut child = started(wrapper.node(STAYS, &[]));
    signal(child.id(), "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));

    let wrapper = Wrapper::with_script("#!/bin/sh\necho ready\nkill -KILL $$\n");
    let mut child = started(wrapper.node(STAYS, &[]));
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn ctrl_c_is_the_programs_to_answer() {
    let wrapper = Wrapper::with_script(
        "#!/bin/sh\ntrap 'exit 7' INT\necho ready\nn=0\nwhile [ $((n += 1)) -lt 500 ]; do sleep 0.02; done\n",
    );
    let mut terminal = Terminal::spawn(wrapper.node(STAYS, &[]));
    terminal.expect("ready");
    terminal.send_ctrl_c();
    assert_eq!(terminal.wait(), 7);
}

#[test]
fn what_is_missing_is_said_in_a_sentence() {
    let wrapper = Wrapper::without_program();
    let said = |before: &str, words: &[&str]| {
        let output = Output::of(&mut wrapper.node(before, words)).code(12);
        let text = format!("{}{}", output.stdout, output.stderr);
        text.replace(&format!("@safemigrate/{}", platform()), "@safemigrate/PLATFORM")
            .replace("win32-arm64", "win32-x64")
    };
    insta::assert_snapshot!(said("process.report.getReport = () => ({ header: { glibcVersionRuntime: '2.36' } });", &[]), @r"
    error: @safemigrate/PLATFORM, the package with the program itself, is not installed. Nothing was changed
    hint: Install without --omit=optional (npm) or --no-optional (pnpm): it is an optional dependency.
    hint: When node_modules or the lock file come from another kind of machine: delete node_modules and install again.
    ");
    if cfg!(target_os = "linux") {
        insta::assert_snapshot!(said("process.report.getReport = () => ({ header: {} });", &["dev"]), @r"
        error: @safemigrate/PLATFORM, the package with the program itself, is not installed. Nothing was changed
        hint: @safemigrate/PLATFORM is for glibc, and this is another libc (Alpine has musl): take an image with Debian, as node:22-slim.
        ");
    }
    let windows = "Object.defineProperty(process, 'platform', { value: 'win32' });";
    insta::assert_snapshot!(said(windows, &["dev"]), @r"
    error: There is no safemigrate for win32-x64 yet. Nothing was changed
    hint: There is one for darwin-arm64, darwin-x64, linux-arm64, linux-x64.
    hint: On Windows it runs inside of WSL (https://learn.microsoft.com/windows/wsl).
    ");
    insta::assert_snapshot!(said(windows, &["dev", "--json"]), @r#"
    {"command":"safemigrate","ok":false,"error":{"kind":"tool","message":"There is no safemigrate for win32-x64 yet. Nothing was changed","hints":["There is one for darwin-arm64, darwin-x64, linux-arm64, linux-x64.","On Windows it runs inside of WSL (https://learn.microsoft.com/windows/wsl)."]}}
    "#);
    write_program(&wrapper.program(), "#!/nowhere/at/all\n");
    let broken = Output::of(&mut wrapper.node(STAYS, &["dev"])).code(12);
    assert!(broken.stderr.contains("cannot be started: ") && broken.stderr.contains("install again"), "{broken}");
    fs::set_permissions(wrapper.program(), fs::Permissions::from_mode(0o644)).unwrap();
    Output::of(&mut wrapper.node(BECOMES, &["dev"])).code(12).says("cannot be started: EACCES");
}
