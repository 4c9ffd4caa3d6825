//! Debian's own cron and crontab, in a mount namespace where the spool is empty: the machine's crontabs are not seen
//! and not touched.

use crate::support::{Cluster, Output, PASSWORD, Prisma};
use crate::tables::{Shop, Tables};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A cron that runs, with a spool and a folder for its number that only those in there see.
struct Cron(Child);

const INSIDE: &str = "mount -t tmpfs none /var/spool/cron/crontabs && mount -t tmpfs none /run && exec cron -f";

impl Cron {
    /// `None` where this machine does not let us: cron wants root.
    fn start() -> Option<Cron> {
        let may = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
        if !may.is_ok_and(|status| status.success()) {
            return None;
        }
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-c", INSIDE]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        // a hostile one: what runs must not look at it
        unshare.env("DATABASE_URL", "postgresql://x:y@127.0.0.1:1/elsewhere");
        let cron = Cron(unshare.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let name = format!("/proc/{}/comm", cron.0.id());
        let until = Instant::now() + Duration::from_secs(10);
        while fs::read_to_string(&name).unwrap_or_default().trim() != "cron" {
            assert!(Instant::now() < until, "cron does not start: scripts/setup installs it");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(cron)
    }

    /// The same command where this cron's crontabs are.
    fn inside(&self, command: &Command) -> Output {
        let mut there = Command::new("nsenter");
        there.args(["--mount", "--target", &self.0.id().to_string()]);
        if let Some(folder) = command.get_current_dir() {
            there.arg(format!("--wd={}", folder.display())).current_dir(folder);
        }
        there.arg(command.get_program()).args(command.get_args());
        there.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Output::of(there.stdin(Stdio::null()))
    }
}

impl Drop for Cron {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A backup each minute, of a folder whose name has everything in it that cron and the shell take for something else.
#[test]
fn it_takes_a_backup() {
    let Some(cron) = Cron::start() else {
        assert!(!rustix::process::geteuid().is_root(), "root, and no mount namespace");
        eprintln!("not tried: cron wants root");
        return;
    };
    let cluster = Cluster::start();
    cluster.create_db("shop");
    // Prisma 7 does not find its configuration behind a backslash
    let shop = Shop::new(Prisma::V6, &cluster, "shop", &Tables::new())
        .called("it's 100% \\ \\% \\\\ \"my\" $HOME `id` é shop");
    let usual = std::env::var("PATH").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = shop.project.safemigrate_command(arguments);
        command.current_dir(&shop.root).env("PATH", format!("{usual}:/usr/bin:/bin"));
        cron.inside(&command)
    };
    let crontab = |arguments: &[&str]| {
        let mut command = Command::new("crontab");
        cron.inside(command.args(arguments).env("PATH", &usual))
    };
    let theirs = shop.root.join("theirs");
    fs::write(
        &theirs,
        "# m h dom mon dow\nDATABASE_URL=postgresql://x:y@127.0.0.1:1/elsewhere\n0 0 1 1 * echo 100\\% % in\n",
    )
    .unwrap();
    crontab(&[theirs.to_str().unwrap()]).ok();
    run(&["schedule", "install", "--every", "1m"]).ok().says("Installed: a full backup every 1m by cron");
    run(&["schedule", "install", "--every", "1m"]).ok().says("Nothing to do");
    let table = crontab(&["-l"]).ok().stdout;
    assert!(table.matches("schedule run").count() == 1 && !table.contains(PASSWORD), "{table}");
    run(&["schedule", "status"]).ok().says("none was due yet");

    let until = Instant::now() + Duration::from_secs(100);
    let attempt = || fs::read_to_string(shop.store().join("schedule/last.json")).unwrap_or_default();
    while !attempt().contains("\"done\"") {
        assert!(Instant::now() < until && !attempt().contains("failed"), "{} {table}", attempt());
        std::thread::sleep(Duration::from_millis(200));
    }
    let said = run(&["schedule", "status"]).ok().says("last attempt  done").stdout;
    assert!(!said.contains("warning"), "{said}");
    run(&["list"]).ok().says("scheduled").says(" shop ");
    run(&["check", "--all"]).ok();
    run(&["schedule", "uninstall"]).ok();
    assert_eq!(crontab(&["-l"]).ok().stdout, fs::read_to_string(&theirs).unwrap(), "to the byte");
}
