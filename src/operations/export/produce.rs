//! Reading a backup's objects and writing them as one archive, or as INSERTs. Blocks; runs on a thread of its own.

use super::Format;
use crate::domain::event::{Event, Observer};
use crate::domain::export::filling;
use crate::domain::manifest::{Kind, Manifest, TableData};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::postgres::export::{self, Block, Compression, Contents, Inserts, Piece, Rows, copy_large_objects};
use crate::store::Store;
use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Bytes handed on at once.
const PIECE: usize = 128 << 10;
/// How COPY text ends in a script.
const END_OF_ROWS: &[u8] = b"\\.\n\n\n";

pub(super) struct Job {
    pub store: Store,
    pub backup: Manifest,
    pub format: Format,
    pub observer: Arc<dyn Observer>,
}

impl Job {
    /// Sends all of it and the good end, or what went wrong.
    pub fn run(&self, pieces: &Sender<Piece>) {
        let mut out = Outlet { pieces, piece: Vec::with_capacity(PIECE) };
        let ended = self.write(&mut out).and_then(|()| out.flush().context(ErrorKind::Interrupted, nobody));
        // nobody listens any more: then nobody has to know
        let _ = pieces.blocking_send(ended.map(|()| None));
    }

    fn write(&self, out: &mut Outlet<'_>) -> Result<()> {
        match (self.backup.kind, self.format) {
            (Kind::Full, Format::Sql) => self.full(out, Rows::Copy, Compression::None),
            (Kind::Full, Format::Inserts) => self.full(out, Rows::Inserts, Compression::None),
            (Kind::Full, Format::Archive) => self.full(out, Rows::Copy, Compression::Zlib),
            (Kind::DataOnly, Format::Sql | Format::Inserts) => self.inserts(out),
            (Kind::DataOnly, Format::Archive) => {
                let contents = Contents::of_rows(&self.backup, Compression::Zlib)?;
                self.rows(&contents, out, Rows::Copy, Compression::Zlib)
            }
        }
    }

    fn full(&self, out: &mut Outlet<'_>, rows: Rows, compression: Compression) -> Result<()> {
        let Some(structure) = &self.backup.structure else {
            return Err(Error::new(ErrorKind::Damaged, format!("{} holds no structure", self.backup.id)));
        };
        // what it says of sizes is believed below
        self.store.check_object(&structure.object)?;
        let mut structure = BufReader::with_capacity(PIECE, self.store.object(&structure.object)?);
        let contents = Contents::of_full(&mut structure, &self.backup, rows, compression)?;
        self.rows(&contents, out, rows, compression)?;
        copy_large_objects(&mut structure, out, contents.int_size, compression)
            .context(ErrorKind::Damaged, || self.damaged("its large objects cannot be read"))
    }

    fn rows(&self, contents: &Contents<'_>, out: &mut Outlet<'_>, rows: Rows, compression: Compression) -> Result<()> {
        out.write_all(&contents.beginning).context(ErrorKind::Interrupted, nobody)?;
        for (id, data) in &contents.tables {
            let begun = Block::begin(&mut *out, *id, contents.int_size, compression);
            let mut block = begun.context(ErrorKind::Interrupted, nobody)?;
            match rows {
                Rows::Copy => self.read(data, |piece| block.write_all(piece)),
                Rows::Inserts => self.read_as_inserts(data, &mut block),
            }?;
            let end = if rows == Rows::Copy { END_OF_ROWS } else { b"\n\n" };
            block.write_all(end).and_then(|()| block.finish()).context(ErrorKind::Interrupted, nobody)?;
        }
        Ok(())
    }

    fn inserts(&self, out: &mut Outlet<'_>) -> Result<()> {
        let filling = filling(&self.backup);
        let unordered = &filling.unordered;
        out.text(&export::begin(&self.backup, unordered))?;
        for data in &filling.tables {
            out.text(&export::heading(&data.table.name))?;
            self.read_as_inserts(data, out)?;
            out.text("\n\n")?;
        }
        out.text(&export::end(&self.backup, unordered))
    }

    fn read_as_inserts(&self, data: &TableData, out: &mut impl Write) -> Result<()> {
        let mut inserts = Inserts::into_table(&data.table);
        let mut sql = Vec::with_capacity(PIECE);
        self.read(data, |piece| {
            sql.clear();
            inserts.feed(piece, &mut sql);
            out.write_all(&sql)
        })?;
        if inserts.is_whole() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Damaged, self.damaged(&format!("{} holds no whole rows", data.table.name))))
    }

    /// The rows of a table, as they stand in the store. The hash of each segment is checked at its end.
    fn read(&self, data: &TableData, mut sink: impl FnMut(&[u8]) -> io::Result<()>) -> Result<()> {
        let table = &data.table.name;
        let mut buffer = vec![0; PIECE];
        for segment in &data.segments {
            let mut object = self.store.object(&segment.object)?;
            loop {
                let read = object.read(&mut buffer);
                let read =
                    read.context(ErrorKind::Damaged, || self.damaged(&format!("rows of {table} cannot be read")))?;
                if read == 0 {
                    break;
                }
                sink(&buffer[..read]).context(ErrorKind::Interrupted, nobody)?;
            }
            self.observer.on(Event::Bytes(segment.bytes));
        }
        self.observer.on(Event::TableDone(table.to_string()));
        Ok(())
    }

    fn damaged(&self, how: &str) -> String {
        format!("The backup {} is damaged: {how}", self.backup.id)
    }
}

fn nobody() -> String {
    "Nobody reads the export any more".to_owned()
}

/// Collects bytes and sends them on.
struct Outlet<'s> {
    pieces: &'s Sender<Piece>,
    piece: Vec<u8>,
}

impl Outlet<'_> {
    fn text(&mut self, text: &str) -> Result<()> {
        self.write_all(text.as_bytes()).context(ErrorKind::Interrupted, nobody)
    }
}

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.pieces.blocking_send(Ok(Some(piece))).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
