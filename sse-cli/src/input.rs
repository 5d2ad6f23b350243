//! Input of captured streams: plain bytes, or a recording.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read as _};
use std::path::Path;

use crate::failure::{FAILED, Failure};
use crate::recording::{Item, Reader, is_recording, may_be_recording};

/// Size of one read, in bytes.
const CHUNK: usize = 64 << 10;

/// The input of a parser: plain bytes, or a recording.
pub(crate) enum Input {
    Plain(Box<dyn BufRead>),
    Recorded(Reader<Box<dyn BufRead>>),
}

/// A piece of the input.
pub(crate) enum Chunk {
    Bytes(Vec<u8>),
    /// A connection begins: an incomplete line before does not continue here.
    Begin,
}

impl Input {
    /// Opens a file, or standard input without a path or with `-`. Also returns its name, for
    /// messages.
    pub(crate) fn open(path: Option<&Path>) -> Result<(Self, String), Failure> {
        let (input, name): (Box<dyn BufRead>, _) = match path {
            Some(path) if path.as_os_str() != "-" => {
                let name = path.display().to_string();
                let file = File::open(path).map_err(|error| Failure::new(FAILED, &name, &error))?;
                (Box::new(BufReader::with_capacity(CHUNK, file)), name)
            }
            _ => (Box::new(BufReader::with_capacity(CHUNK, io::stdin())), "standard input".to_owned()),
        };
        let input = Self::new(input).map_err(|error| Failure::new(FAILED, &name, &error))?;
        Ok((input, name))
    }

    fn new(mut input: Box<dyn BufRead>) -> io::Result<Self> {
        // A pipe may return one byte at a time. A live stream is delayed only as long as it may
        // still be a recording.
        let mut start = Vec::new();
        while may_be_recording(&start) {
            let read = input.by_ref().take(1).read_to_end(&mut start)?;
            if read == 0 {
                break;
            }
        }
        let recorded = is_recording(&start);
        let input: Box<dyn BufRead> = Box::new(Cursor::new(start).chain(input));
        Ok(if recorded { Self::Recorded(Reader::new(input)?) } else { Self::Plain(input) })
    }

    /// The next piece; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Chunk>> {
        match self {
            Self::Plain(input) => {
                let chunk = fill(input)?.to_vec();
                input.consume(chunk.len());
                Ok((!chunk.is_empty()).then_some(Chunk::Bytes(chunk)))
            }
            Self::Recorded(reader) => loop {
                match reader.next()? {
                    Some((_, Item::Head(..))) => return Ok(Some(Chunk::Begin)),
                    Some((_, Item::Bytes(bytes))) => return Ok(Some(Chunk::Bytes(bytes))),
                    Some((_, Item::End)) => {}
                    None => return Ok(None),
                }
            },
        }
    }
}

/// The next bytes; empty at the end.
fn fill(input: &mut Box<dyn BufRead>) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // Not returned inside the loop, because the borrow would last for all iterations.
    input.fill_buf()
}
