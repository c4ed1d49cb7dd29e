//! The last step of the pipeline: parses the tar, builds the tree, writes file content into the blob as it comes.

use std::ops::Range;
use std::sync::mpsc::Receiver;

use bytes::Bytes;
use erofs::{BlockSink, FileWriter, ImageWriter, SparsePlan, WriteError, Written};

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
        limits,
        buffer: Bytes::new(),
        used: 0,
        taken: 0,
        parser: Parser::new(limits),
    };
    let mut image = ImageWriter::new(sink);
    let mut tree = LayerTree::new(limits);
    loop {
        match tar.next()? {
            Event::Entry => {
                let Some(place) = tree.apply(tar.parser.entry())? else { continue };
                let content = write_file(&mut tar, &mut image, limits.expanded)?;
                tree.put_file(place, content, tar.parser.entry())?;
            }
            // Content that the tree does not want.
            Event::Data(_) | Event::EndFile => {}
            Event::End => break,
        }
    }
    let sealed = tree.seal();
    let (_, written) = image.finish(&sealed.tree).map_err(failed)?;
    if written.size > limits.expanded {
        return Err(over_expanded(limits.expanded, None));
    }
    let beyond_tar = written.size.saturating_sub(tar.taken);
    control.take_expanded(beyond_tar).map_err(|bound| over_expanded(bound, None))?;
    let crate::tree::Sealed { leans, warnings, entries, .. } = sealed;
    Ok(WrittenLayer { written, tar_size: tar.taken, entries, leans, warnings })
}

fn write_file<S: BlockSink>(
    tar: &mut Tar<'_>,
    image: &mut ImageWriter<S>,
    expanded: u64,
) -> Result<erofs::FileContent, ConvertError> {
    let mut left = expanded.saturating_sub(image.position());
    let entry = tar.parser.entry();
    let mut file = match &entry.sparse {
        None => image.begin_file().map_err(failed)?,
        Some(segments) => {
            let plan = SparsePlan::new(entry.size, segments.clone());
            let plan = plan.map_err(|error| entry.malformed(error.to_string()))?;
            if plan.stored_bytes() > left {
                return Err(over_expanded(expanded, Some(entry)));
            }
            left = u64::MAX;
            image.begin_sparse_file(plan).map_err(failed)?
        }
    };
    loop {
        match tar.next()? {
            Event::Data(range) => {
                let Some(after) = left.checked_sub(range.len() as u64) else {
                    return Err(over_expanded(expanded, Some(tar.parser.entry())));
                };
                left = after;
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
        other => ConvertError::Sink(std::io::Error::new(std::io::ErrorKind::FileTooLarge, other)),
    }
}

/// The tar as a sequence of events.
struct Tar<'r> {
    buffers: &'r Receiver<Bytes>,
    control: &'r Control,
    limits: &'r Limits,
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
        if self.control.is_cancelled() {
            return Err(ConvertError::Cancelled);
        }
        let Ok(buffer) = self.buffers.recv() else { return Ok(false) };
        self.taken += buffer.len() as u64;
        self.control.add_tar(buffer.len());
        if self.taken > self.limits.expanded {
            return Err(over_expanded(self.limits.expanded, Some(self.parser.entry())));
        }
        let taken = self.control.take_expanded(buffer.len() as u64);
        taken.map_err(|bound| over_expanded(bound, Some(self.parser.entry())))?;
        self.buffer = buffer;
        Ok(true)
    }
}
