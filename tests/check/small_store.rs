//! A store of two checkpoints, written by the program's own hands without any server.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use safemigrate::domain::manifest::{DatabaseInfo, Kind, Manifest, Reason, Segment, Structure, TableData};
use safemigrate::domain::names::QualifiedName;
use safemigrate::domain::rows::Counter;
use safemigrate::domain::run::{Run, State};
use safemigrate::domain::schema::{Column, Table};
use safemigrate::store::{Batch, Holder, Store};
use std::path::{Path, PathBuf};

pub const FULL: &str = "f-bbbbbbbb";
pub const DATA: &str = "d-bbbbbbbb";
/// One that shares the structure with those above, and has other rows.
pub const OLDER: &str = "f-aaaaaaaa";

pub struct SmallStore {
    pub folder: tempfile::TempDir,
    pub store: Store,
}

impl SmallStore {
    pub fn new() -> SmallStore {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        store.prepare().unwrap();
        drop(store.lock(&Holder { pid: 1, command: "backup".into(), since: "2026-01-01T00:00:00Z".into() }).unwrap());
        write(&store, "aaaaaaaa", "2026-01-01T00:00:00.000Z", 300);
        write(&store, "bbbbbbbb", "2026-01-02T00:00:00.000Z", 400);
        let mut run = Run::begin("r-cccccccc".into(), "dev", "shop", "2026-01-02T00:00:00.000Z".into());
        run.before = vec![FULL.into(), DATA.into()];
        run.state = State::Finished;
        store.write_run(&run).unwrap();
        SmallStore { folder, store }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.store.root().join(name)
    }

    pub fn manifest_file(&self, id: &str) -> PathBuf {
        self.path(format!("backups/{id}.json"))
    }

    pub fn object_file(&self, id: &str) -> PathBuf {
        self.path(format!("objects/{}/{id}", &id[..2]))
    }

    /// The object with the rows of this table of the newer checkpoint.
    pub fn rows_of(&self, table: &str) -> PathBuf {
        let manifest = self.store.manifest(FULL).unwrap();
        let data = manifest.tables.iter().find(|t| t.table.name.name == table).unwrap();
        self.object_file(&data.segments[0].object)
    }

    /// Every file in it, in an order that is always the same.
    pub fn files(&self) -> Vec<PathBuf> {
        let entries = walkdir::WalkDir::new(self.store.root()).sort_by_file_name().into_iter().flatten();
        entries.filter(|e| e.file_type().is_file()).map(|e| e.into_path()).collect()
    }
}

/// Both backups of a checkpoint, with so many users.
pub fn write(store: &Store, stem: &str, created_at: &str, rows: usize) {
    let batch = store.batch();
    let tables = vec![
        table(&batch, "User", (0..rows).map(|n| format!("{n}\tname {n}\n")).collect()),
        table(&batch, "Tag", (0..50).map(|n| format!("{n}\t{}\n", n * 7919)).collect()),
        table(&batch, "Nothing", String::new()),
    ];
    let archive: Vec<u8> = (0..2000_u32).flat_map(|n| (n * n).to_le_bytes()).collect();
    let (object, bytes) = object(&batch, &archive);
    batch.commit().unwrap();
    let structure = Structure { object, bytes, pg_dump: "15.18".into() };
    for (kind, structure) in [(Kind::Full, Some(structure)), (Kind::DataOnly, None)] {
        let manifest = Manifest {
            id: kind.id(stem),
            kind,
            reason: Reason::Manual,
            created_at: created_at.into(),
            run: None,
            database: DatabaseInfo {
                name: "shop".into(),
                server_version: 150_018,
                system_identifier: None,
                encoding: "UTF8".into(),
                locale: None,
            },
            project: None,
            structure,
            tables: tables.clone(),
            sequences: Vec::new(),
            materialized_views: Vec::new(),
            schemas: vec!["public".into()],
            foreign_keys: Vec::new(),
            imported: None,
            snapshot: None,
        };
        store.write_manifests(&[&manifest]).unwrap();
    }
}

fn object(batch: &Batch, content: &[u8]) -> (String, u64) {
    let mut writer = batch.writer().unwrap();
    writer.append(content).unwrap();
    writer.finish().unwrap()
}

fn table(batch: &Batch, name: &str, rows: String) -> TableData {
    let column = |name: &str, number| Column {
        name: name.into(),
        type_name: "text".into(),
        number,
        not_null: false,
        default: None,
        identity: None,
        generated: false,
    };
    let mut counter = Counter::new(2);
    counter.feed(rows.as_bytes());
    let stats = counter.finish().unwrap();
    let segments = match rows.is_empty() {
        true => Vec::new(),
        false => {
            let (object, bytes) = object(batch, rows.as_bytes());
            vec![Segment { object, rows: stats.rows, bytes }]
        }
    };
    let table = Table {
        name: QualifiedName { schema: "public".into(), name: name.into() },
        oid: 1,
        columns: vec![column("id", 1), column("name", 2)],
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        partition_root: None,
        extension_condition: None,
    };
    TableData { table, stats, segments }
}
