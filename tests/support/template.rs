//! One `initdb` for all tests: every cluster starts as a copy of it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cluster::PASSWORD;
use super::server::{ServerPrograms, ServerUser};

const SETTINGS: &str = "
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 50
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
listen_addresses = '127.0.0.1'
log_min_messages = warning
log_line_prefix = '%m [%p] %q%u@%d '
";

/// Passwords are asked over TCP and not over the socket, so that tests can use a wrong one.
const WHO_MAY_CONNECT: &str = "
local all all trust
host all all 127.0.0.1/32 scram-sha-256
";

/// Each has a system identifier of its own; what is copied from one shares it.
#[derive(Clone, Copy)]
pub enum Template {
    Usual,
    Stranger,
}

/// The finished template's folder, made by whichever test process comes first.
pub fn data_template(programs: &ServerPrograms, which: Template) -> PathBuf {
    let shelf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-templates");
    fs::create_dir_all(&shelf).expect("a folder for the PostgreSQL template");
    let uid = ServerUser::choose().uid();
    let which = match which {
        Template::Usual => "",
        Template::Stranger => "-stranger",
    };
    let finished = shelf.join(format!("{}-{uid}-v2{which}", programs.major));
    // A target folder that was copied may have other owners and modes.
    let usable = || fs::metadata(&finished).is_ok_and(|folder| folder.uid() == uid && folder.mode() & 0o77 == 0);
    if usable() {
        return finished;
    }
    let lock = File::create(shelf.join("lock")).expect("the template's lock");
    lock.lock().expect("the template's lock");
    if !usable() {
        let _ = fs::remove_dir_all(&finished);
        make(programs, &finished);
    }
    finished
}

fn make(programs: &ServerPrograms, finished: &Path) {
    // Not where the template will stand: the unprivileged user may have no way into target/.
    let workshop = reachable_tempdir();
    let user = ServerUser::choose();
    user.own(workshop.path());
    let (data, password) = (workshop.path().join("data"), workshop.path().join("password"));
    fs::write(&password, PASSWORD).expect("the password file");
    user.own(&password);

    let mut initdb = programs.command("initdb");
    initdb.arg("-D").arg(&data).arg(format!("--pwfile={}", password.display()));
    initdb.args(["-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "scram-sha-256", "--no-sync", "--wal-segsize=1"]);
    initdb.env("TZ", "UTC").env("LC_ALL", "C").current_dir(workshop.path());
    user.run_as(&mut initdb);
    succeed(&mut initdb);

    let config = data.join("postgresql.conf");
    fs::write(&config, fs::read_to_string(&config).expect("postgresql.conf") + SETTINGS).expect("postgresql.conf");
    fs::write(data.join("pg_hba.conf"), WHO_MAY_CONNECT).expect("pg_hba.conf");

    let half_done = finished.with_extension("new");
    let _ = fs::remove_dir_all(&half_done);
    copy(&data, &half_done);
    fs::rename(&half_done, finished).expect("the template in place");
}

/// Copies a folder with its owners; where the file system can share blocks, nothing is copied.
pub fn copy(from: &Path, to: &Path) {
    let mut cp = Command::new("cp");
    cp.arg("-a");
    if cfg!(target_os = "linux") {
        cp.arg("--reflink=auto");
    }
    succeed(cp.arg(from).arg(to));
}

/// A temporary folder that every user can walk into and whose socket paths stay short.
pub fn reachable_tempdir() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new().prefix("safemigrate-").tempdir_in(place()).expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    folder
}

/// Where servers live. A test makes and removes some thousand files for its own, which takes longer on a disk than the
/// test itself: in memory where there is plenty of it. Stores and projects are on the disk always.
fn place() -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    const PLENTY: u64 = 4 << 30;
    if let Some(chosen) = std::env::var_os("SAFEMIGRATE_TEST_SERVERS") {
        return chosen.into();
    }
    let free = rustix::fs::statvfs(MEMORY).map_or(0, |there| there.f_bavail * there.f_frsize);
    // what lies there counts as memory that is in use
    let available = fs::read_to_string("/proc/meminfo").ok().and_then(|all| {
        let line = all.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    });
    let plenty = free >= PLENTY && available.unwrap_or(0) * 1024 >= 2 * PLENTY;
    PathBuf::from(if plenty { MEMORY } else { "/tmp" })
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
