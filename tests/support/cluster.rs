//! A private PostgreSQL server for one test: its own folder, socket and port, gone when the test is.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::server::{ServerPrograms, ServerUser};
use super::template::{Template, copy, data_template, reachable_tempdir};

/// Of the superuser `postgres`, asked over TCP only.
pub const PASSWORD: &str = "sesame";

pub struct Cluster {
    pub programs: ServerPrograms,
    pub port: u16,
    folder: PathBuf,
    server: Option<Child>,
    undertaker: Child,
    leash: Option<ChildStdin>,
}

impl Cluster {
    pub fn start() -> Cluster {
        Cluster::start_with(|_| ServerPrograms::find())
    }

    /// A server that is no copy of the others: it has another system identifier.
    pub fn stranger() -> Cluster {
        Cluster::start_from(Template::Stranger, |_| ServerPrograms::find())
    }

    /// A server that knows the extensions whose files are in the folder.
    pub fn with_extensions(extensions: &Path) -> Cluster {
        Cluster::start_with(|folder| ServerPrograms::find().with_extensions(&folder.join("programs"), extensions))
    }

    /// A server of these programs, which may be put together in the cluster's own folder.
    pub fn start_with(programs: impl FnOnce(&Path) -> ServerPrograms) -> Cluster {
        Cluster::start_from(Template::Usual, programs)
    }

    fn start_from(template: Template, programs: impl FnOnce(&Path) -> ServerPrograms) -> Cluster {
        let folder = reachable_tempdir().keep();
        ServerUser::choose().own(&folder);
        let (undertaker, leash) = hire_undertaker(&folder);
        let programs = programs(&folder);
        let template = data_template(&programs, template);
        copy(&template, &folder.join("data"));
        let mut cluster = Cluster { programs, port: 0, folder, server: None, undertaker, leash: Some(leash) };
        // Somebody else may take the port between the asking and the using.
        for _ in 0..10 {
            cluster.port = free_port();
            if cluster.try_run() {
                return cluster;
            }
        }
        panic!("PostgreSQL does not start:\n{}", cluster.log());
    }

    /// `postgresql://` over TCP as the superuser.
    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", PASSWORD, database)
    }

    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        let text =
            |part: &str| percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string();
        format!("postgresql://{}:{}@127.0.0.1:{}/{}", text(role), text(password), self.port, text(database))
    }

    /// As Prisma writes a socket address; no password is asked there.
    pub fn socket_url(&self, database: &str) -> String {
        format!("postgresql://postgres@localhost:{}/{database}?host={}", self.port, self.folder.display())
    }

    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    pub fn data_folder(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn create_db(&self, name: &str) {
        self.psql("postgres", &format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\"")));
    }

    /// What the server wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Ends the server at once and in order; `restart` brings it back.
    pub fn stop(&mut self) {
        self.signal_server("INT");
        self.reap();
    }

    /// The server dies without a word, its sessions with it.
    pub fn kill9(&mut self) {
        let server = self.server.as_ref().expect("a running server").id().to_string();
        let sessions = Command::new("ps").args(["-o", "pid=", "--ppid", &server]).output().expect("ps");
        self.signal_server("KILL");
        for session in String::from_utf8_lossy(&sessions.stdout).split_whitespace() {
            kill("KILL", session);
        }
        self.reap();
    }

    /// Stops the server where it still runs, and starts it on the same port.
    pub fn restart(&mut self) {
        if self.server.is_some() {
            self.stop();
        }
        let until = Instant::now() + Duration::from_secs(30);
        while !self.try_run() {
            assert!(Instant::now() < until, "PostgreSQL does not start again:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn try_run(&mut self) -> bool {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).expect("the server's log");
        let mut command = self.programs.command("postgres");
        command.arg("-D").arg(self.data_folder()).args(["-p", &self.port.to_string()]);
        command.arg("-k").arg(&self.folder).current_dir(&self.folder);
        command.env("TZ", "UTC").env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        ServerUser::choose().run_as(&mut command);
        let mut server = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let pid_file = self.data_folder().join("postmaster.pid");
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if server.try_wait().expect("the server's state").is_some() {
                return false;
            }
            let state = fs::read_to_string(&pid_file).unwrap_or_default();
            let ours = state.lines().next() == Some(&server.id().to_string());
            if ours && state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                self.server = Some(server);
                return true;
            }
            assert!(Instant::now() < until, "PostgreSQL is not ready after a minute:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal_server(&self, signal: &str) {
        let server = self.server.as_ref().expect("a running server");
        kill(signal, &server.id().to_string());
    }

    fn reap(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.wait().expect("the server's end");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.leash.take());
        self.reap();
        let _ = self.undertaker.wait();
    }
}

/// A process that waits for our end, however it comes: once its input closes it ends the server and
/// removes the folder. It lives in a process group of its own, so that what kills a test does not kill it.
fn hire_undertaker(folder: &Path) -> (Child, ChildStdin) {
    const DUTY: &str = r#"
        trap '' INT TERM HUP
        cat >/dev/null
        [ ! -f "$1/data/postmaster.pid" ] || kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")"
        for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && break; sleep 0.1; done
    "#;
    let mut command = Command::new("sh");
    command.args(["-c", DUTY, "undertaker"]).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut undertaker = command.spawn().expect("sh");
    let leash = undertaker.stdin.take().expect("a pipe");
    (undertaker, leash)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn kill(signal: &str, process: &str) {
    let _ = Command::new("kill").args(["-s", signal, process]).stderr(Stdio::null()).status();
}
