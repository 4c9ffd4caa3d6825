//! A server, a database, a store beside it, and re-insert through the library: straight, or through a proxy that lets things go wrong.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use crate::support::{Cluster, FAILS, Proxy, PsqlSession};
use safemigrate::domain::event::Quiet;
use safemigrate::domain::manifest::{Manifest, Reason};
use safemigrate::domain::reinsert::{Options, Plan, Report};
use safemigrate::error::Result;
use safemigrate::operations::checkpoint::{Kinds, ReadRows, Request, take};
use safemigrate::operations::interrupt::Interrupt;
use safemigrate::operations::reinsert::{Outcome, apply, prepare};
use safemigrate::postgres::url::DatabaseUrl;
use safemigrate::store::Store;
use std::cell::RefCell;
use std::time::{Duration, Instant};

pub struct World {
    pub cluster: Cluster,
    pub proxy: Proxy,
    pub runtime: tokio::runtime::Runtime,
    pub store: Store,
    pub folder: tempfile::TempDir,
    /// On another database, so that it never stands in the way of a reset.
    watch: RefCell<PsqlSession>,
}

pub const DB: &str = "p";
/// What `reset` goes back to.
const TEMPLATE: &str = "pristine";

impl World {
    pub fn new() -> World {
        let cluster = Cluster::start();
        let proxy = Proxy::before(&cluster);
        let watch = RefCell::new(cluster.session("postgres"));
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        World { proxy, runtime: tokio::runtime::Runtime::new().unwrap(), store, folder, watch, cluster }
    }

    /// An empty database in place of the one there is.
    pub fn begin(&self, sql: &str) {
        self.cluster.psql("postgres", &format!("DROP DATABASE IF EXISTS {DB}"));
        self.cluster.create_db(DB);
        self.cluster.psql(DB, &format!("{FAILS}{sql}"));
    }

    /// From now on `reset` comes back here.
    pub fn remember(&self) {
        self.cluster.psql("postgres", &format!("DROP DATABASE IF EXISTS {TEMPLATE}"));
        self.cluster.psql("postgres", &format!("CREATE DATABASE {TEMPLATE} TEMPLATE {DB} STRATEGY file_copy"));
    }

    pub fn reset(&self) {
        self.cluster.psql("postgres", &format!("DROP DATABASE {DB} WITH (FORCE)"));
        self.cluster.psql("postgres", &format!("CREATE DATABASE {DB} TEMPLATE {TEMPLATE} STRATEGY file_copy"));
    }

    pub fn psql(&self, sql: &str) -> String {
        self.cluster.psql(DB, sql)
    }

    pub fn state(&self) -> String {
        self.cluster.state(DB)
    }

    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.cluster.socket_url(DB)).unwrap()
    }

    /// The same database behind the proxy.
    pub fn proxy_url(&self) -> DatabaseUrl {
        let port = format!(":{}/", self.cluster.port);
        DatabaseUrl::parse(&self.cluster.url(DB).replace(&port, &format!(":{}/", self.proxy.port))).unwrap()
    }

    pub fn back_up(&self) -> Manifest {
        let request = Request {
            kinds: Kinds::DataOnly,
            reason: Reason::Manual,
            run: None,
            project: None,
            read: ReadRows::default(),
        };
        let (_hand, interrupt) = Interrupt::new();
        self.runtime.block_on(take(&self.url(), &self.store, &request, &Quiet, &interrupt)).unwrap().data_only.unwrap()
    }

    pub fn plan_at(&self, url: &DatabaseUrl, backup: &Manifest, options: &Options) -> Result<Plan> {
        self.runtime.block_on(prepare(url, &self.store, backup, options))
    }

    pub fn apply_at(
        &self,
        url: &DatabaseUrl,
        backup: &Manifest,
        plan: &Plan,
        interrupt: &Interrupt,
    ) -> Result<Outcome> {
        self.runtime.block_on(apply(url, &self.store, backup, plan, &Quiet, interrupt, &mut |_| Ok(())))
    }

    pub fn try_at(&self, url: &DatabaseUrl, backup: &Manifest, options: &Options) -> Result<Outcome> {
        let (_hand, interrupt) = Interrupt::new();
        self.apply_at(url, backup, &self.plan_at(url, backup, options)?, &interrupt)
    }

    #[track_caller]
    pub fn reinsert(&self, backup: &Manifest, options: &Options) -> Outcome {
        self.try_at(&self.url(), backup, options).unwrap_or_else(|e| panic!("{e} {:?}", e.hints))
    }

    /// Sessions of ours that are still there a moment after they should be gone.
    pub fn left_sessions(&self) -> String {
        let ask = "SELECT string_agg(concat_ws(' ', pid, state, left(query, 200)), '; ') FROM pg_stat_activity WHERE application_name = 'safemigrate'";
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let left = self.watch.borrow_mut().run(ask);
            if left.is_empty() || Instant::now() > until {
                return left;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Folders with rows that did not fit.
    pub fn saved_rejects(&self) -> usize {
        std::fs::read_dir(self.store.rejects_dir()).map(Iterator::count).unwrap_or(0)
    }
}

pub fn balanced(report: &Report, backup: &Manifest) {
    for table in &report.tables {
        assert!(table.is_balanced(), "{table:?}");
        // a partitioned table is in the backup by its leaves
        if let Some(of_backup) = backup.table(&table.from) {
            assert_eq!(table.in_backup, of_backup.stats.rows);
        }
    }
}

/// The counts of each table, without what differs from run to run (the rejects' folder).
pub fn counts(report: &Report) -> Vec<String> {
    let of = |t: &safemigrate::domain::reinsert::TableReport| {
        format!(
            "{}: {} = {} + {} + {} + {}",
            t.table, t.in_backup, t.inserted, t.already_present, t.updated, t.rejected
        )
    };
    report.tables.iter().map(of).collect()
}
