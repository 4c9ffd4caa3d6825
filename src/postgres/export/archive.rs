//! The beginning of an archive: what it is, and the table of contents.

use super::blocks::Compression;
use super::idents::{columns, qualified};
use crate::domain::export::filling;
use crate::domain::manifest::{Manifest, TableData};
use crate::domain::names::QualifiedName;
use crate::error::{Context, Error, ErrorKind, Result};
use libpgdump::format::custom::{read_metadata, write_archive};
use libpgdump::format::{ArchiveMetadata, custom::ArchiveData};
use libpgdump::{
    ArchiveVersion, CompressionAlgorithm, Entry, Format, Header, ObjectType, OffsetState, Section, Timestamp,
};
use std::collections::HashMap;
use std::io::{Cursor, Read};

/// How the rows of a table stand in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    Copy,
    Inserts,
}

/// What every `pg_restore` since version 12 reads.
const OLDEST: ArchiveVersion = ArchiveVersion::new(1, 14, 0);

/// The beginning of an archive, and what has to follow it.
pub struct Contents<'m> {
    /// The header and the table of contents.
    pub beginning: Vec<u8>,
    /// The blocks of rows that follow, each with the number under which the contents name it.
    pub tables: Vec<(i32, &'m TableData)>,
    /// Bytes of a number in this archive.
    pub int_size: u8,
}

impl<'m> Contents<'m> {
    /// Reads the contents of a full backup's structure and adds the rows. `structure` stands at its first block of large
    /// objects then.
    ///
    /// # Errors
    /// `Tool` where the archive is of a kind that is not known.
    pub fn of_full(
        structure: &mut impl Read,
        backup: &'m Manifest,
        rows: Rows,
        compression: Compression,
    ) -> Result<Self> {
        let of = || backup.structure.as_ref().map_or("", |structure| structure.pg_dump.as_str());
        let unknown = || format!("The structure in {} was written by pg_dump {} and cannot be read", backup.id, of());
        let mut archive = read_metadata(structure).context(ErrorKind::Tool, unknown)?;
        if archive.header.compression != CompressionAlgorithm::None {
            return Err(Error::new(ErrorKind::Tool, unknown()).because("it is compressed"));
        }
        let known = Known::in_contents(&archive.entries);
        // the keys of extensions are there before the rows, all others come after them
        let in_order = filling(backup).tables;
        let (extensions, mut tables): (Vec<&TableData>, Vec<&TableData>) =
            in_order.into_iter().partition(|data| data.table.extension_condition.is_some());
        tables.sort_by_key(|data| (&data.table.name.schema, &data.table.name.name));
        tables.extend(extensions);
        let (tables, data) = known.rows(backup, tables, rows);
        let views = known.refreshes(backup, data.len());
        let comes_after = |entry: &Entry| matches!(entry.section, Section::Data | Section::PostData);
        let place = archive.entries.iter().position(comes_after).unwrap_or(archive.entries.len());
        archive.entries.splice(place..place, data);
        // as pg_dump has it: event triggers, which might meddle, are made last
        let last = archive.entries.iter().position(|entry| entry.desc == ObjectType::EventTrigger);
        let last = last.unwrap_or(archive.entries.len());
        archive.entries.splice(last..last, views);
        Self::finish(archive, compression, tables)
    }

    /// The contents for rows and sequences alone.
    ///
    /// # Errors
    /// None that is known: it is written into memory.
    pub fn of_rows(backup: &'m Manifest, compression: Compression) -> Result<Self> {
        let setting = |n: i32, kind: ObjectType, sql: &str| Entry {
            tag: Some(kind.as_str().to_owned()),
            section: Section::PreData,
            defn: Some(format!("{sql}\n")),
            ..entry(n, kind)
        };
        let settings = [
            setting(1, ObjectType::Encoding, "SET client_encoding = 'UTF8';"),
            setting(2, ObjectType::StdStrings, "SET standard_conforming_strings = 'on';"),
            setting(3, ObjectType::SearchPath, "SELECT pg_catalog.set_config('search_path', '', false);"),
        ];
        let known = Known { last_id: 3, ..Known::default() };
        let (tables, data) = known.rows(backup, filling(backup).tables, Rows::Copy);
        let version = backup.database.server_version;
        let version = format!("{}.{}", version / 10_000, version % 10_000);
        let archive = ArchiveMetadata {
            header: Header {
                version: OLDEST,
                int_size: 4,
                off_size: 8,
                format: Format::Custom,
                compression: CompressionAlgorithm::None,
            },
            timestamp: timestamp(&backup.created_at),
            dbname: backup.database.name.clone(),
            server_version: version.clone(),
            dump_version: version,
            entries: settings.into_iter().chain(data).collect(),
        };
        Self::finish(archive, compression, tables)
    }

    fn finish(
        mut archive: ArchiveMetadata,
        compression: Compression,
        tables: Vec<(i32, &'m TableData)>,
    ) -> Result<Self> {
        if compression == Compression::Zlib {
            archive.header.compression = CompressionAlgorithm::Gzip;
        }
        let int_size = archive.header.int_size;
        let mut beginning = Cursor::new(Vec::new());
        let whole = ArchiveData {
            header: archive.header,
            timestamp: archive.timestamp,
            dbname: archive.dbname,
            server_version: archive.server_version,
            dump_version: archive.dump_version,
            entries: archive.entries,
            // they follow, one by one
            data: HashMap::new(),
            blobs: HashMap::new(),
        };
        let cannot = || "The table of contents cannot be written".to_owned();
        write_archive(&mut beginning, &whole).context(ErrorKind::Other, cannot)?;
        Ok(Self { beginning: beginning.into_inner(), tables, int_size })
    }
}

/// What the contents hold already: kind, schema and name, with number and owner.
#[derive(Default)]
struct Known {
    entries: HashMap<(ObjectType, String, String), (i32, Option<String>)>,
    last_id: i32,
}

impl Known {
    fn in_contents(entries: &[Entry]) -> Self {
        let named = entries.iter().filter_map(|entry| {
            let name = (entry.desc.clone(), entry.namespace.clone()?, entry.tag.clone()?);
            Some((name, (entry.dump_id, entry.owner.clone())))
        });
        Self { entries: named.collect(), last_id: entries.iter().map(|entry| entry.dump_id).max().unwrap_or(0) }
    }

    /// An entry that belongs to one that is there: a table's rows to the table.
    fn belonging(&self, n: usize, kind: ObjectType, of: ObjectType, name: &QualifiedName) -> Entry {
        let found = self.entries.get(&(of, name.schema.clone(), name.name.clone()));
        let number = i32::try_from(n).unwrap_or(i32::MAX);
        Entry {
            tag: Some(name.name.clone()),
            namespace: Some(name.schema.clone()),
            owner: found.map_or(Some(String::new()), |(_, owner)| owner.clone()),
            dependencies: found.map(|(id, _)| *id).into_iter().collect(),
            ..entry(self.last_id.saturating_add(number), kind)
        }
    }

    /// The entries of rows and sequences, and where the rows come from.
    fn rows<'m>(
        &self,
        backup: &Manifest,
        tables: Vec<&'m TableData>,
        rows: Rows,
    ) -> (Vec<(i32, &'m TableData)>, Vec<Entry>) {
        let mut entries = Vec::new();
        let mut blocks = Vec::new();
        for data in tables {
            let name = &data.table.name;
            let mut entry = self.belonging(entries.len() + 1, ObjectType::TableData, ObjectType::Table, name);
            entry.section = Section::Data;
            entry.oid = data.table.oid.to_string();
            entry.had_dumper = true;
            entry.data_state = OffsetState::NotSet;
            entry.copy_stmt = (rows == Rows::Copy)
                .then(|| format!("COPY {} {} FROM stdin;\n", qualified(name), columns(&data.table)));
            blocks.push((entry.dump_id, data));
            entries.push(entry);
        }
        let mut sequences: Vec<_> = backup.sequences.iter().collect();
        sequences.sort_by_key(|sequence| (&sequence.name.schema, &sequence.name.name));
        for sequence in sequences {
            let name = &sequence.name;
            let mut entry = self.belonging(entries.len() + 1, ObjectType::SequenceSet, ObjectType::Sequence, name);
            entry.section = Section::Data;
            entry.defn = Some(super::rows_alone::set_sequence(sequence));
            entries.push(entry);
        }
        (blocks, entries)
    }

    /// Materialized views that held something are filled again, at the very end.
    fn refreshes(&self, backup: &Manifest, taken: usize) -> Vec<Entry> {
        let views = backup.materialized_views.iter().enumerate().map(|(n, view)| {
            let kinds = (ObjectType::MaterializedViewData, ObjectType::MaterializedView);
            let mut entry = self.belonging(taken + n + 1, kinds.0, kinds.1, view);
            entry.section = Section::PostData;
            entry.defn = Some(format!("REFRESH MATERIALIZED VIEW {};\n", qualified(view)));
            entry
        });
        views.collect()
    }
}

/// One that says nothing but what it is.
fn entry(dump_id: i32, desc: ObjectType) -> Entry {
    Entry {
        dump_id,
        had_dumper: false,
        table_oid: "0".to_owned(),
        oid: "0".to_owned(),
        tag: None,
        desc,
        section: Section::None,
        defn: None,
        drop_stmt: None,
        copy_stmt: None,
        namespace: None,
        tablespace: None,
        tableam: None,
        relkind: None,
        owner: Some(String::new()),
        with_oids: false,
        dependencies: Vec::new(),
        data_state: OffsetState::NoData,
        offset: 0,
        filename: None,
    }
}

/// The moment as C's `struct tm` holds it, in UTC.
fn timestamp(moment: &str) -> Timestamp {
    let moment =
        moment.parse::<jiff::Timestamp>().unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(jiff::tz::TimeZone::UTC);
    Timestamp {
        second: moment.second().into(),
        minute: moment.minute().into(),
        hour: moment.hour().into(),
        day: moment.day().into(),
        month: i32::from(moment.month()) - 1,
        year: i32::from(moment.year()) - 1900,
        is_dst: 0,
    }
}
