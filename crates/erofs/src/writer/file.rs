//! The data of one regular file.

use super::WriteError;
use super::output::Output;
use crate::content::{Mapped, Repr};
use crate::{BLOCK_SIZE, BlockSink, DeviceIndex, FileContent, Run, RunSource, SparsePlan};

/// Takes the data of one regular file.
///
/// Dropped without [`FileWriter::finish`], what was appended stays in the image as unreferenced bytes.
#[derive(Debug)]
pub struct FileWriter<'w, S> {
    output: &'w mut Output<S>,
    start_block: u32,
    appended: u64,
    sparse: Option<Sparse>,
}

/// Where a sparse file's data has come to.
#[derive(Debug)]
struct Sparse {
    plan: SparsePlan,
    planned: u64,
    stretches: Vec<(u64, u64)>,
    /// The stretch being written.
    stretch: usize,
    /// The segment being written, and its bytes so far.
    segment: usize,
    done: u64,
    /// Position in the file of the next byte to be stored.
    at: u64,
}

impl<'w, S: BlockSink> FileWriter<'w, S> {
    pub(super) fn begin(output: &'w mut Output<S>, plan: Option<SparsePlan>) -> Result<Self, WriteError> {
        let start_block = output.align()?;
        Ok(Self { output, start_block, appended: 0, sparse: plan.map(Sparse::new) })
    }

    /// Appends bytes; most of a slice of 64 KiB or more goes to the sink without being copied.
    pub fn append(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.appended += data.len() as u64;
        match &mut self.sparse {
            None => self.output.append(data),
            Some(sparse) => sparse.append(self.output, data, self.appended),
        }
    }

    /// Ends the file. Fails if a sparse file did not get exactly the bytes of its plan.
    pub fn finish(self) -> Result<FileContent, WriteError> {
        match self.sparse {
            None => Ok(FileContent::on_device(DeviceIndex::PRIMARY, self.start_block, self.appended)),
            Some(sparse) => sparse.finish(self.output, self.start_block, self.appended),
        }
    }
}

impl Sparse {
    fn new(plan: SparsePlan) -> Self {
        let stretches: Vec<_> = plan.stretches(plan.chunk_bits).collect();
        let at = stretches.first().map_or(0, |(start, _)| *start);
        Self { planned: plan.data_bytes(), plan, stretches, stretch: 0, segment: 0, done: 0, at }
    }

    fn append<S: BlockSink>(
        &mut self,
        output: &mut Output<S>,
        data: &[u8],
        appended: u64,
    ) -> Result<(), WriteError> {
        let mut rest = data;
        while !rest.is_empty() {
            let Some(segment) = self.plan.segments.get(self.segment).copied() else {
                return Err(WriteError::SparseData { planned: self.planned, appended });
            };
            let left = segment.len - self.done;
            let (now, later) =
                rest.split_at(usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len())));
            self.fill_to(output, segment.offset + self.done)?;
            output.append(now)?;
            self.at += now.len() as u64;
            self.done += now.len() as u64;
            if self.done == segment.len {
                (self.segment, self.done) = (self.segment + 1, 0);
            }
            rest = later;
        }
        Ok(())
    }

    /// Stores zeros up to position `target`, leaving out what lies between stretches.
    fn fill_to<S: BlockSink>(&mut self, output: &mut Output<S>, target: u64) -> Result<(), WriteError> {
        while self.at < target {
            let Some((_, end)) = self.stretches.get(self.stretch).copied() else {
                return Ok(());
            };
            let stop = target.min(end);
            output.append_zeros(stop - self.at)?;
            self.at = stop;
            if stop == end {
                self.stretch += 1;
                self.at = self.stretches.get(self.stretch).map_or(target, |(start, _)| *start);
            }
        }
        Ok(())
    }

    fn finish<S: BlockSink>(
        mut self,
        output: &mut Output<S>,
        start_block: u32,
        appended: u64,
    ) -> Result<FileContent, WriteError> {
        if appended != self.planned {
            return Err(WriteError::SparseData { planned: self.planned, appended });
        }
        let (Some((first, _)), Some((_, end))) = (self.stretches.first(), self.stretches.last().copied())
        else {
            return Ok(FileContent::hole(self.plan.size));
        };
        let is_whole = self.stretches.len() == 1 && *first == 0 && end >= self.plan.size;
        self.fill_to(output, end)?;
        if is_whole {
            return Ok(FileContent::on_device(DeviceIndex::PRIMARY, start_block, self.plan.size));
        }
        let (size, chunk_bits) = (self.plan.size, self.plan.chunk_bits);
        Ok(FileContent(Repr::Mapped(Box::new(Mapped { size, chunk_bits, runs: self.runs(start_block) }))))
    }

    fn runs(&self, start_block: u32) -> Vec<Run> {
        let file_end = self.plan.size.next_multiple_of(BLOCK_SIZE);
        let mut runs = Vec::new();
        let (mut at, mut stored) = (0, u64::from(start_block));
        let hole_to = |runs: &mut Vec<Run>, at: u64, to: u64| {
            if to > at {
                runs.push(Run { blocks: (to - at) / BLOCK_SIZE, source: RunSource::Hole });
            }
        };
        for (start, end) in &self.stretches {
            hole_to(&mut runs, at, *start);
            let blocks = (end - start) / BLOCK_SIZE;
            let start = u32::try_from(stored).expect("the output refuses data beyond 2^32 blocks");
            runs.push(Run { blocks, source: RunSource::Blocks { device: DeviceIndex::PRIMARY, start } });
            (at, stored) = (*end, stored + blocks);
        }
        hole_to(&mut runs, at, file_end);
        runs
    }
}
