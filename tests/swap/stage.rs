//! A database with a full backup, ruined since; people around it; and somebody who looks at its name all the time.

use crate::scene::{SHOP, Scene};
use crate::support::{Output, same};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub struct Stage {
    pub scene: Scene,
    pub backup: String,
    /// As the backup holds it.
    pub good: String,
    /// As it was before the rollback.
    pub ruins: String,
}

impl Stage {
    pub fn new() -> Stage {
        Stage::of(Scene::new(SHOP))
    }

    pub fn of(scene: Scene) -> Stage {
        let good = scene.dump();
        let (backup, _) = scene.backup();
        scene.cluster.psql(
            "shop",
            r#"DELETE FROM "Order" WHERE id > 500; ALTER TABLE customer DROP COLUMN name; CREATE TABLE extra (n int)"#,
        );
        Stage { ruins: scene.dump(), scene, backup, good }
    }

    pub fn arguments(&self) -> Vec<&str> {
        vec!["rollback", &self.backup, "--yes", "--confirm", "shop"]
    }

    /// By the socket: no password, which costs a debug build a second a command.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let url = PathBuf::from(self.scene.cluster.socket_url("shop"));
        self.scene.spawn(arguments, &BTreeMap::from([("SAFEMIGRATE_URL", url)]))
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        Output::of(self.scene.command(arguments).env("SAFEMIGRATE_URL", self.scene.cluster.socket_url("shop")))
    }

    /// Databases that are ours, and the live one, each with whether it lets people in.
    pub fn databases(&self) -> String {
        let ask = "SELECT coalesce(string_agg(datname || ' ' || datallowconn, ', ' ORDER BY datname), '') FROM pg_database WHERE datname LIKE 'shop%'";
        self.scene.cluster.psql("postgres", ask)
    }

    #[track_caller]
    pub fn is_good(&self, what: &str) {
        assert_eq!(self.databases(), "shop true", "{what}");
        same(&self.good, &self.scene.dump(), what);
    }

    #[track_caller]
    pub fn is_as_before(&self, what: &str) {
        assert_eq!(self.databases(), "shop true", "{what}");
        same(&self.ruins, &self.scene.dump(), what);
    }

    pub fn options(&self, database: &str) -> PgConnectOptions {
        let cluster = &self.scene.cluster;
        PgConnectOptions::new_without_pgpass()
            .socket(cluster.socket_folder())
            .port(cluster.port)
            .username("postgres")
            .database(database)
            .application_name("shop-app")
            .disable_statement_logging()
    }
}

/// Threads that do something again and again until they are stopped.
pub struct Crowd<T> {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<T>>,
}

impl<T: Send + 'static> Crowd<T> {
    pub fn of<F: Future<Output = T>>(
        count: usize,
        one: impl Fn(usize, Arc<AtomicBool>) -> F + Send + Sync + 'static,
    ) -> Crowd<T> {
        let (stop, one) = (Arc::new(AtomicBool::new(false)), Arc::new(one));
        let threads = (0..count).map(|n| {
            let (stop, one) = (Arc::clone(&stop), Arc::clone(&one));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(one(n, stop))
            })
        });
        Crowd { threads: threads.collect(), stop }
    }

    pub fn stop(self) -> Vec<T> {
        self.stop.store(true, Ordering::SeqCst);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

/// What one member of a pool met with.
#[derive(Default, Debug)]
pub struct Served {
    pub answers: usize,
    /// Errors by SQLSTATE; "" where the connection was lost.
    pub errors: BTreeMap<String, usize>,
    /// Longest time without an answer.
    pub longest: Duration,
    /// After all, somebody was let in.
    pub last: Option<String>,
}

/// Sessions that come, ask and go, one after the other, every ten milliseconds.
pub fn pool(options: PgConnectOptions, count: usize) -> Crowd<Served> {
    Crowd::of(count, move |_, stop| {
        let options = options.clone();
        async move {
            let (mut served, mut last) = (Served::default(), Instant::now());
            while !stop.load(Ordering::SeqCst) {
                let asked = ask(&options).await;
                match asked {
                    Ok(()) => {
                        served.answers += 1;
                        served.longest = served.longest.max(last.elapsed());
                        last = Instant::now();
                    }
                    Err(error) => *served.errors.entry(code(&error)).or_default() += 1,
                }
            }
            let mut connection = PgConnection::connect_with(&options).await.expect("everybody gets in again");
            served.last =
                sqlx::query_scalar("SELECT count(*)::text FROM \"Order\"").fetch_one(&mut connection).await.ok();
            served
        }
    })
}

async fn ask(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    for _ in 0..2 {
        connection.execute("SELECT count(*) FROM customer").await?;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    connection.close().await
}

pub fn code(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned()
}

/// Looks every few milliseconds which databases there are; gives what it saw, each state once, in its order.
pub struct Sampler {
    seen: Arc<Mutex<Vec<String>>>,
    crowd: Crowd<usize>,
}

impl Sampler {
    pub fn start(stage: &Stage) -> Sampler {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (options, list) = (stage.options("postgres"), Arc::clone(&seen));
        let crowd = Crowd::of(1, move |_, stop| {
            let (options, list) = (options.clone(), Arc::clone(&list));
            async move {
                let mut connection = PgConnection::connect_with(&options).await.unwrap();
                let mut samples = 0;
                while !stop.load(Ordering::SeqCst) {
                    let ask = "SELECT coalesce(string_agg(regexp_replace(datname, '[0-9a-f]{12}$', ''), ' ' ORDER BY datname), '') FROM pg_database WHERE datname LIKE 'shop%'";
                    let now: String = sqlx::query_scalar(ask).fetch_one(&mut connection).await.unwrap();
                    samples += 1;
                    note(&list, now);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                samples
            }
        });
        Sampler { seen, crowd }
    }

    /// How often it looked, and what it saw.
    #[track_caller]
    pub fn stop(self) -> (usize, Vec<String>) {
        let samples = self.crowd.stop()[0];
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        for state in &seen {
            assert!(state.split(' ').any(|name| name == "shop"), "the name is never missing: {seen:?}");
        }
        (samples, seen)
    }
}

fn note(seen: &Mutex<Vec<String>>, now: String) {
    let mut seen = seen.lock().unwrap();
    if seen.last() != Some(&now) {
        seen.push(now);
    }
}
