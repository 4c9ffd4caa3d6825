//! Objects: written once, compressed, named by the BLAKE3 of what is inside, checked whenever they are read.

use super::flaw::Flaw;
use super::{Store, files};
use crate::domain::manifest::ObjectId;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::fault;
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use tempfile::{NamedTempFile, TempPath};

/// Fastest level: the reader of the database must not wait for us.
const LEVEL: i32 = 1;
/// Compressed bytes that a writer keeps in memory; an object that the store has already never touches the disk.
const IN_MEMORY: usize = 4 << 20;
/// Threads that make objects durable while others are still being read.
const SYNCERS: usize = 4;

impl Store {
    pub(super) fn object_path(&self, id: &str) -> PathBuf {
        self.objects().join(id.get(..2).unwrap_or("__")).join(id)
    }

    /// Bytes that the object takes on the disk.
    pub fn stored_size(&self, id: &str) -> u64 {
        files::taken_on_disk(&self.object_path(id))
    }

    /// Opens an object for reading what is inside; its hash is checked at the end of it.
    ///
    /// # Errors
    /// `Damaged` when it is missing or no regular file.
    pub fn object(&self, id: &str) -> Result<ObjectReader> {
        self.open_object(id).map_err(|flaw| damaged(id, flaw))
    }

    /// Reads the whole object and compares its hash.
    ///
    /// # Errors
    /// `Damaged` when it is missing, cut or changed.
    pub fn check_object(&self, id: &str) -> Result<()> {
        self.examine_object(id).map(drop).map_err(|flaw| damaged(id, flaw))
    }

    /// Reads the whole object and compares its hash; gives how many bytes are inside.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn examine_object(&self, id: &str) -> Result<u64, Flaw> {
        let mut reader = self.open_object(id)?;
        io::copy(&mut reader, &mut io::sink()).map_err(|error| match error.kind() {
            _ if error.raw_os_error().is_some() => Flaw::because("cannot be read", error),
            io::ErrorKind::UnexpectedEof => Flaw::because("is cut off", error),
            _ => Flaw::because("is not what was written", error),
        })
    }

    fn open_object(&self, id: &str) -> Result<ObjectReader, Flaw> {
        let file = files::open_regular(&self.object_path(id)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Flaw::new("is missing"),
            io::ErrorKind::InvalidInput => Flaw::new("is not a regular file"),
            _ => Flaw::because("cannot be opened", error),
        })?;
        let inside = zstd::Decoder::with_buffer(BufReader::with_capacity(128 << 10, file));
        Ok(ObjectReader {
            id: id.to_owned(),
            inside: inside.map_err(|error| Flaw::because("cannot be opened", error))?,
            hasher: blake3::Hasher::new(),
            at_end: false,
        })
    }

    /// Whether the object stands in the store, byte for byte as `sink` would be written.
    fn holds(&self, id: &str, sink: &mut Sink) -> bool {
        files::open_regular(&self.object_path(id)).is_ok_and(|file| sink.is_equal_to(file).unwrap_or(false))
    }

    /// Starts collecting the objects of one backup.
    pub fn batch(&self) -> Batch {
        let (to_sync, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let syncers = (0..SYNCERS).map(|_| {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || sync_from(&queue))
        });
        Batch { syncers: syncers.collect(), shelf: Shelf { store: self.clone(), to_sync, written: Arc::default() } }
    }
}

fn damaged(id: &str, flaw: Flaw) -> Error {
    let (object, Flaw { how, cause }) = (short(id), flaw);
    let error = Error::new(ErrorKind::Damaged, format!("The backup is damaged: {object} {how}. Nothing was changed"))
        .hint("`safemigrate list` shows the other backups.");
    match cause {
        Some(cause) => error.because(cause),
        None => error,
    }
}

/// An object as a sentence calls it: `object 0123456789ab…`.
pub fn short(id: &str) -> String {
    format!("object {}…", id.get(..12).unwrap_or(id))
}

fn sync_from(queue: &Mutex<mpsc::Receiver<PathBuf>>) -> io::Result<()> {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(path) => {
                fault::writing("object.fsync")?;
                File::open(path)?.sync_all()?;
            }
            Err(_) => return Ok(()),
        }
    }
}

/// The new objects of one backup, under temporary names until `commit`. Dropped without it, they vanish.
pub struct Batch {
    shelf: Shelf,
    syncers: Vec<JoinHandle<io::Result<()>>>,
}

/// Where writers put what they have finished.
#[derive(Clone)]
struct Shelf {
    store: Store,
    to_sync: mpsc::Sender<PathBuf>,
    written: Arc<Mutex<Written>>,
}

#[derive(Default)]
struct Written {
    ids: HashSet<ObjectId>,
    files: Vec<(TempPath, ObjectId)>,
}

impl Shelf {
    fn keep(&self, id: &ObjectId, mut sink: Sink) -> io::Result<()> {
        let known = !self.written.lock().unwrap_or_else(PoisonError::into_inner).ids.insert(id.clone());
        // one that was damaged since would make this backup a damaged one: it is written anew
        if known {
            return Ok(());
        }
        if self.store.holds(id, &mut sink) {
            self.store.whole.add(id, &self.store.object_path(id));
            return Ok(());
        }
        let path = sink.into_file()?.into_temp_path();
        self.to_sync.send(path.to_path_buf()).map_err(io::Error::other)?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).files.push((path, id.clone()));
        Ok(())
    }
}

impl Batch {
    /// The store that it is for.
    pub fn store(&self) -> &Store {
        &self.shelf.store
    }

    /// Begins one object. The writer may live in another task, but must be finished before `commit`.
    ///
    /// # Errors
    /// `Store` when the encoder cannot be made.
    pub fn writer(&self) -> Result<ObjectWriter> {
        let sink = Sink { folder: self.shelf.store.tmp(), memory: Vec::new(), file: None };
        let encoder = zstd::Encoder::new(sink, LEVEL).map_err(|e| self.shelf.store.cannot("written", e))?;
        Ok(ObjectWriter { shelf: self.shelf.clone(), encoder, hasher: blake3::Hasher::new(), bytes: 0 })
    }

    /// Makes all objects durable under their names. Only then may a manifest name them.
    ///
    /// # Errors
    /// `Store`; the objects are then not in the store.
    pub fn commit(self) -> Result<()> {
        let Self { shelf: Shelf { store, to_sync, written }, syncers } = self;
        // the syncers end when the last sender is gone
        drop(to_sync);
        for syncer in syncers {
            let synced = syncer.join().unwrap_or_else(|_| Err(io::Error::other("a writer thread died")));
            synced.map_err(|e| store.cannot("written", e))?;
        }
        let files = std::mem::take(&mut written.lock().unwrap_or_else(PoisonError::into_inner).files);
        let place = || -> io::Result<()> {
            let mut folders = BTreeSet::new();
            for (temp, id) in files {
                let path = store.object_path(&id);
                let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
                if !folder.is_dir() {
                    files::make_private_folder(&folder)?;
                    folders.insert(store.objects());
                }
                fault::writing("object.rename")?;
                temp.persist(&path)?;
                store.whole.add(&id, &path);
                folders.insert(folder);
            }
            folders.iter().try_for_each(|folder| files::sync_folder(folder))
        };
        place().map_err(|e| store.cannot("written", e))
    }
}

/// Compressed bytes: first in memory, then in a file.
struct Sink {
    folder: PathBuf,
    memory: Vec<u8>,
    file: Option<NamedTempFile>,
}

impl Sink {
    fn into_file(mut self) -> io::Result<NamedTempFile> {
        self.spill()?;
        self.file.ok_or_else(|| io::Error::other("no file was made"))
    }

    fn is_equal_to(&mut self, there: File) -> io::Result<bool> {
        let there = BufReader::with_capacity(128 << 10, there);
        let Some(file) = &mut self.file else { return same(self.memory.as_slice(), there) };
        file.write_all(&self.memory)?;
        self.memory.clear();
        file.rewind()?;
        same(BufReader::with_capacity(128 << 10, file.as_file()), there)
    }

    fn spill(&mut self) -> io::Result<()> {
        fault::writing("object.write")?;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(files::temporary_in(&self.folder)?),
        };
        file.write_all(&self.memory)?;
        self.memory.clear();
        Ok(())
    }
}

/// Whether both readers give the same bytes.
fn same(mut one: impl BufRead, mut other: impl BufRead) -> io::Result<bool> {
    loop {
        let (here, there) = (one.fill_buf()?, other.fill_buf()?);
        let n = here.len().min(there.len());
        if n == 0 || here[..n] != there[..n] {
            return Ok(here.is_empty() && there.is_empty());
        }
        one.consume(n);
        other.consume(n);
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.memory.extend_from_slice(bytes);
        if self.memory.len() > IN_MEMORY {
            self.spill()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes what goes into one object.
pub struct ObjectWriter {
    shelf: Shelf,
    encoder: zstd::Encoder<'static, Sink>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl ObjectWriter {
    /// Appends bytes (best in pieces of 64 KiB and more).
    ///
    /// # Errors
    /// `Store`, for example when the disk is full.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.encoder.write_all(bytes).map_err(|e| self.shelf.store.cannot("written", e))
    }

    /// Ends the object; gives its name and how many bytes are inside.
    ///
    /// # Errors
    /// `Store`.
    pub fn finish(self) -> Result<(ObjectId, u64)> {
        let id = self.hasher.finalize().to_hex().to_string();
        let kept = self.encoder.finish().and_then(|sink| self.shelf.keep(&id, sink));
        kept.map_err(|e| self.shelf.store.cannot("written", e))?;
        Ok((id, self.bytes))
    }
}

/// What is inside an object; a wrong hash is an `InvalidData` error in place of the end.
pub struct ObjectReader {
    id: ObjectId,
    inside: zstd::Decoder<'static, BufReader<File>>,
    hasher: blake3::Hasher,
    at_end: bool,
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at_end || buffer.is_empty() {
            return Ok(0);
        }
        fault::reading("object.read")?;
        let n = self.inside.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        if n == 0 {
            if self.hasher.finalize().to_hex().as_str() != self.id {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "its content does not match its hash"));
            }
            self.at_end = true;
        }
        Ok(n)
    }
}

impl Store {
    /// All object names in the store.
    ///
    /// # Errors
    /// `Store` when a folder cannot be read.
    pub(super) fn object_ids(&self) -> Result<Vec<ObjectId>> {
        let mut ids = Vec::new();
        for folder in super::names_in(&self.objects())? {
            ids.extend(super::names_in(&self.objects().join(folder))?);
        }
        Ok(ids)
    }

    pub(super) fn remove_object(&self, id: &str) -> Result<u64> {
        let size = self.stored_size(id);
        let removed = fault::writing("object.remove").and_then(|()| fs::remove_file(self.object_path(id)));
        removed.context(ErrorKind::Store, || format!("Object {id} cannot be removed"))?;
        Ok(size)
    }
}
