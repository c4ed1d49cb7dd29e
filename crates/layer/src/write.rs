//! The last step of the pipeline: parses the tar, builds the tree, writes file content into the blob as it comes.

use std::io;
use std::ops::Range;
use std::sync::mpsc::Receiver;

use bytes::Bytes;
use erofs::{
    BLOCK_SIZE, BlockSink, FileContent, FileWriter, ImageWriter, SparsePlan, WriteBuffer, WriteError, Written,
};

use crate::tar::{Entry, Parser, Step};
use crate::tree::LayerTree;
use crate::{Control, ConvertError, Leans, Limit, Limits, Warnings};

/// A blob that is written.
#[derive(Debug)]
pub(crate) struct WrittenLayer {
    pub(crate) written: Written,
    pub(crate) tar_size: u64,
    pub(crate) entries: u64,
    pub(crate) leans: Leans,
    pub(crate) warnings: Warnings,
}

/// Writes the layer whose tar comes out of `buffers`.
pub(crate) fn write<S: BlockSink>(
    buffers: &Receiver<Bytes>,
    limits: &Limits,
    control: &Control,
    sink: S,
) -> Result<WrittenLayer, ConvertError> {
    let mut tar = Tar {
        buffers,
        control,
        expanded: Expanded { bound: limits.expanded, counted: 0, control },
        buffer: Bytes::new(),
        used: 0,
        taken: 0,
        parser: Parser::new(limits),
    };
    let mut image = ImageWriter::new(Watched { sink, control });
    let mut tree = LayerTree::new(limits);
    loop {
        match tar.next()? {
            Event::Entry => {
                // One buffer may have hundreds of entries, each with much to do.
                control.check()?;
                let Some(place) = tree.apply(tar.parser.entry())? else { continue };
                let content = write_file(&mut tar, &mut image)?;
                tree.put_file(place, content, tar.parser.entry())?;
            }
            // Content that the tree does not want.
            Event::Data(_) | Event::EndFile => {}
            Event::End => break,
        }
    }
    let sealed = tree.seal(control)?;
    let laid_out = image.lay_out(&sealed.tree).map_err(failed)?;
    tar.expanded.reach(laid_out.size()).map_err(|bound| over_expanded(bound, None))?;
    let (_, written) = laid_out.write().map_err(failed)?;
    let crate::tree::Sealed { leans, warnings, entries, .. } = sealed;
    Ok(WrittenLayer { written, tar_size: tar.taken, entries, leans, warnings })
}

/// A sink that takes nothing more once the work is cancelled: the metadata region may be gigabytes.
pub(crate) struct Watched<'c, S> {
    pub(crate) sink: S,
    pub(crate) control: &'c Control,
}

impl<S> Watched<'_, S> {
    fn check(&self) -> io::Result<()> {
        match self.control.is_cancelled() {
            // The conversion's answer says why.
            true => Err(io::ErrorKind::Other.into()),
            false => Ok(()),
        }
    }
}

impl<S: BlockSink> BlockSink for Watched<'_, S> {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        self.check()?;
        self.sink.write_all_at(data, offset)
    }

    fn write_gathered(&mut self, gathered: WriteBuffer, offset: u64) -> io::Result<WriteBuffer> {
        self.check()?;
        self.sink.write_gathered(gathered, offset)
    }

    fn wants_gathered(&self) -> bool {
        self.sink.wants_gathered()
    }

    fn metadata_follows(&mut self) -> io::Result<()> {
        self.sink.metadata_follows()
    }
}

fn write_file<S: BlockSink>(
    tar: &mut Tar<'_>,
    image: &mut ImageWriter<S>,
) -> Result<FileContent, ConvertError> {
    let mut end = image.position().next_multiple_of(BLOCK_SIZE);
    let entry = tar.parser.entry();
    let over = |bound| over_expanded(bound, Some(entry));
    let is_sparse = entry.sparse.is_some();
    let mut file = match &entry.sparse {
        None => {
            tar.expanded.reach(end).map_err(over)?;
            image.begin_file().map_err(failed)?
        }
        Some(segments) => {
            let plan = SparsePlan::new(entry.size, segments.clone());
            let plan = plan.map_err(|error| entry.malformed(error.to_string()))?;
            // One byte of tar may ask for megabytes of zeros around it.
            tar.expanded.reach(end.saturating_add(plan.written_bytes())).map_err(over)?;
            image.begin_sparse_file(plan).map_err(failed)?
        }
    };
    loop {
        match tar.next()? {
            Event::Data(range) => {
                if !is_sparse {
                    end += range.len() as u64;
                    let reached = tar.expanded.reach(end);
                    reached.map_err(|bound| over_expanded(bound, Some(tar.parser.entry())))?;
                }
                append(&mut file, &tar.buffer[range])?;
            }
            Event::EndFile | Event::Entry | Event::End => return file.finish().map_err(failed),
        }
    }
}

fn append<S: BlockSink>(file: &mut FileWriter<'_, S>, data: &[u8]) -> Result<(), ConvertError> {
    file.append(data).map_err(failed)
}

fn over_expanded(bound: u64, entry: Option<&Entry>) -> ConvertError {
    let path = entry.map(Entry::display).unwrap_or_default();
    ConvertError::LimitExceeded { limit: Limit::Expanded, bound, path }
}

fn failed(error: WriteError) -> ConvertError {
    match error {
        WriteError::Sink { source, .. } => ConvertError::Sink(source),
        other => ConvertError::Sink(io::Error::new(io::ErrorKind::FileTooLarge, other)),
    }
}

/// What the layer takes of the bounds on its expanded size: as much as the larger of its tar and its blob has.
struct Expanded<'r> {
    bound: u64,
    /// Bytes taken so far.
    counted: u64,
    control: &'r Control,
}

impl Expanded<'_> {
    /// Takes what is missing before the tar or the blob has so many bytes; the bound that this would pass, where it would.
    /// Nothing is asked for that the finished layer does not have, so that a layer of exactly the bound fits.
    fn reach(&mut self, bytes: u64) -> Result<(), u64> {
        if bytes > self.bound {
            return Err(self.bound);
        }
        if bytes > self.counted {
            self.control.take_expanded(bytes - self.counted)?;
            self.counted = bytes;
        }
        Ok(())
    }
}

/// The tar as a sequence of events.
struct Tar<'r> {
    buffers: &'r Receiver<Bytes>,
    control: &'r Control,
    expanded: Expanded<'r>,
    buffer: Bytes,
    used: usize,
    taken: u64,
    parser: Parser,
}

enum Event {
    Entry,
    /// A range of the current buffer.
    Data(Range<usize>),
    EndFile,
    End,
}

impl Tar<'_> {
    fn next(&mut self) -> Result<Event, ConvertError> {
        loop {
            let start = self.used;
            let mut input = &self.buffer[start..];
            let step = self.parser.next(&mut input)?;
            self.used = self.buffer.len() - input.len();
            match step {
                Step::Entry => return Ok(Event::Entry),
                Step::EndFile => return Ok(Event::EndFile),
                Step::Data(data) => return Ok(Event::Data(self.used - data.len()..self.used)),
                Step::NeedInput => {}
            }
            if !self.receive()? {
                self.parser.finish()?;
                return Ok(Event::End);
            }
        }
    }

    /// Goes on to the next buffer; whether there is one.
    fn receive(&mut self) -> Result<bool, ConvertError> {
        // The old buffer goes back before waiting for a new one.
        (self.buffer, self.used) = (Bytes::new(), 0);
        self.control.check()?;
        let Ok(buffer) = self.buffers.recv() else { return Ok(false) };
        self.taken += buffer.len() as u64;
        self.control.add_tar(buffer.len());
        let reached = self.expanded.reach(self.taken);
        reached.map_err(|bound| over_expanded(bound, Some(self.parser.entry())))?;
        self.buffer = buffer;
        Ok(true)
    }
}
