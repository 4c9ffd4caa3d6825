//! The blocks of an archive that hold rows and large objects: numbered, cut into chunks, each compressed by itself.

use flate2::write::ZlibEncoder;
use libpgdump::BlockType;
use libpgdump::io::primitives::{read_int, write_byte, write_int};
use std::io::{self, BufWriter, Read, Write};

/// Bytes of a chunk, as a rule.
const CHUNK: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    /// What `pg_dump -Fc` does by itself, and every `pg_restore` reads.
    Zlib,
}

/// Cuts what is written into chunks, each after its length.
struct Chunks<W: Write> {
    out: W,
    int_size: u8,
}

impl<W: Write> Write for Chunks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // a length of nothing would be the end
        if bytes.is_empty() {
            return Ok(0);
        }
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        let taken = &bytes[..usize::try_from(length).unwrap_or(0)];
        number(&mut self.out, length, self.int_size)?;
        self.out.write_all(taken)?;
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

enum Inside<W: Write> {
    Plain(BufWriter<Chunks<W>>),
    Zlib(ZlibEncoder<BufWriter<Chunks<W>>>),
}

/// One block of rows while it is written. It is whole only after `finish`.
pub struct Block<W: Write>(Inside<W>);

impl<W: Write> Block<W> {
    /// Begins the block that the contents know under `id`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(mut out: W, id: i32, int_size: u8, compression: Compression) -> io::Result<Self> {
        write_byte(&mut out, BlockType::Data as u8).map_err(io::Error::other)?;
        number(&mut out, id, int_size)?;
        Ok(Self::chunks(out, int_size, compression))
    }

    fn chunks(out: W, int_size: u8, compression: Compression) -> Self {
        let chunks = BufWriter::with_capacity(CHUNK, Chunks { out, int_size });
        Self(match compression {
            Compression::None => Inside::Plain(chunks),
            Compression::Zlib => Inside::Zlib(ZlibEncoder::new(chunks, flate2::Compression::fast())),
        })
    }

    /// Ends the block.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(self) -> io::Result<()> {
        let chunks = match self.0 {
            Inside::Plain(chunks) => chunks,
            Inside::Zlib(encoder) => encoder.finish()?,
        };
        let Chunks { mut out, int_size } = chunks.into_inner().map_err(io::IntoInnerError::into_error)?;
        number(&mut out, 0, int_size)
    }
}

impl<W: Write> Write for Block<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inside::Plain(chunks) => chunks.write(bytes),
            Inside::Zlib(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Inside::Plain(chunks) => chunks.flush(),
            Inside::Zlib(encoder) => encoder.flush(),
        }
    }
}

/// Copies what follows the contents of an uncompressed structure, which is large objects alone, compressing each.
///
/// # Errors
/// Those of both; `InvalidData` where something else stands there.
pub fn copy_large_objects(
    from: &mut impl Read,
    out: &mut impl Write,
    int_size: u8,
    compression: Compression,
) -> io::Result<()> {
    let strange =
        || io::Error::new(io::ErrorKind::InvalidData, "the structure holds something that is no large object");
    let mut kind = [0];
    while from.read(&mut kind)? == 1 {
        if BlockType::from_byte(kind[0]) != Some(BlockType::Blobs) {
            return Err(strange());
        }
        out.write_all(&kind)?;
        let read = |from: &mut _| read_int(from, int_size).map_err(io::Error::other);
        number(out, read(from)?, int_size)?;
        loop {
            let oid = read(from)?;
            number(out, oid, int_size)?;
            if oid == 0 {
                break;
            }
            let mut object = Block::chunks(&mut *out, int_size, compression);
            loop {
                let length = u64::try_from(read(from)?).map_err(|_| strange())?;
                if length == 0 {
                    break;
                }
                if io::copy(&mut from.by_ref().take(length), &mut object)? != length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            object.finish()?;
        }
    }
    Ok(())
}

fn number(out: &mut impl Write, value: i32, int_size: u8) -> io::Result<()> {
    write_int(out, value, int_size).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libpgdump::{CompressionAlgorithm, EntryReader};

    fn read_back(block: &[u8], compression: CompressionAlgorithm) -> Vec<u8> {
        let mut rest = &block[6..];
        let mut content = Vec::new();
        EntryReader::new(&mut rest, 4, compression).unwrap().read_to_end(&mut content).unwrap();
        content
    }

    #[test]
    fn a_block_is_read_as_it_was_written() {
        let long: Vec<u8> = (0..300_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        for (compression, name) in
            [(Compression::None, CompressionAlgorithm::None), (Compression::Zlib, CompressionAlgorithm::Gzip)]
        {
            for content in [&b""[..], b"1\ta\n", &long] {
                let mut out = Vec::new();
                let mut block = Block::begin(&mut out, 7, 4, compression).unwrap();
                content.chunks(90_000).for_each(|piece| block.write_all(piece).unwrap());
                block.finish().unwrap();
                assert_eq!(out[..6], [1, 0, 7, 0, 0, 0]);
                assert!(read_back(&out, name) == content, "{name} {}", content.len());
            }
        }
    }

    #[test]
    fn large_objects_are_copied_and_nothing_else() {
        let mut blobs = vec![3];
        for number in [9, 16_400] {
            write_int(&mut blobs, number, 4).unwrap();
        }
        write_int(&mut blobs, 3, 4).unwrap();
        blobs.extend_from_slice(b"abc");
        for _ in 0..2 {
            write_int(&mut blobs, 0, 4).unwrap();
        }
        let mut out = Vec::new();
        copy_large_objects(&mut blobs.as_slice(), &mut out, 4, Compression::None).unwrap();
        assert_eq!(out, blobs);
        for bad in [&blobs[..blobs.len() - 1], &blobs[..20], &[1, 0, 7, 0, 0, 0, 0]] {
            assert!(copy_large_objects(&mut &*bad, &mut io::sink(), 4, Compression::Zlib).is_err(), "{bad:?}");
        }
    }
}
