//! zstd windows: what a stream asks for, and what several at once may take together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use layer::{Control, ConvertError, Limit, Limits, SourceError, WindowGate, convert};
use model::{ByteSize, Compression};
use support::tape::Tape;
use support::{chunks, convert_with, options};

/// One frame with a window of that logarithm.
fn frame(bytes: &[u8], window_log: u32) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(window_log).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar() -> Vec<u8> {
    Tape::new().file("f", &vec![b'x'; 5 << 20]).end()
}

#[test]
fn a_window_over_the_limit_in_any_frame() {
    let tar = tar();
    let (first, second) = tar.split_at(1 << 20);
    let run = |stream: &[u8], zstd_window| {
        let limits = Limits { zstd_window, ..Limits::default() };
        let options = layer::ConvertOptions { limits, ..options(stream, &tar, Compression::Zstd) };
        convert_with(stream, &options, 100_000)
    };
    for stream in [frame(&tar, 22), [frame(first, 20), frame(second, 22)].concat()] {
        assert!(run(&stream, 4 << 20).is_ok());
        assert!(run(&stream, (4 << 20) + 1).is_ok());
        let error = run(&stream, (4 << 20) - 1).unwrap_err();
        assert_eq!(error.limit().unwrap(), (Limit::ZstdWindow, ByteSize::bytes((4 << 20) - 1)));
    }
}

#[test]
fn frames_of_growing_and_shrinking_windows_are_one_stream() {
    let tar = tar();
    let pieces: Vec<&[u8]> = tar.chunks(tar.len().div_ceil(4)).collect();
    let windows = [24, 20, 26, 23];
    let stream: Vec<u8> = pieces.iter().zip(windows).flat_map(|(piece, log)| frame(piece, log)).collect();
    let plain = convert_with(&tar, &options(&tar, &tar, Compression::None), 1 << 20).unwrap().0;
    let gate = Arc::new(WindowGate::new(ByteSize::mib(64)));
    for chunk in [3, 1000, usize::MAX] {
        let mut blob = Vec::new();
        let control = Control::new().sharing_windows(Arc::clone(&gate));
        let options = options(&stream, &tar, Compression::Zstd);
        convert(chunks(&stream, chunk), &options, &mut blob, &control).unwrap();
        assert!(blob == plain, "chunks of {chunk}");
    }
}

/// A source that gives what a channel gives.
fn fed(pieces: Receiver<Vec<u8>>) -> impl Iterator<Item = Result<Bytes, SourceError>> + Send {
    pieces.into_iter().map(|piece| Ok(Bytes::from(piece)))
}

#[test]
fn one_that_waits_for_anothers_window_can_be_cancelled_and_the_other_goes_on() {
    let tar = tar();
    let stream = frame(&tar, 26);
    let options = options(&stream, &tar, Compression::Zstd);
    let gate = Arc::new(WindowGate::new(ByteSize::mib(64)));
    let control = || Control::new().sharing_windows(Arc::clone(&gate));
    let (holder, waiter) = (control(), control());
    let (to_holder, holders) = channel();
    let (to_waiter, waiters) = channel();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| convert(fed(holders), &options, Vec::new(), &holder));
        // All but the end of its only frame: it holds its window, and shows that by what it has decoded.
        let (most, rest) = stream.split_at(stream.len() - 8);
        to_holder.send(most.to_vec()).unwrap();
        while holder.tar_bytes() == 0 {
            std::thread::yield_now();
        }
        let waited = scope.spawn(|| convert(fed(waiters), &options, Vec::new(), &waiter));
        to_waiter.send(stream.clone()).unwrap();
        while waiter.compressed_bytes() == 0 {
            std::thread::yield_now();
        }
        waiter.cancel();
        drop(to_waiter);
        assert!(matches!(waited.join().unwrap(), Err(ConvertError::Cancelled)));
        assert_eq!(waiter.tar_bytes(), 0);
        to_holder.send(rest.to_vec()).unwrap();
        drop(to_holder);
        assert_eq!(held.join().unwrap().unwrap().tar_size.as_u64(), tar.len() as u64);
    });
    // What both had is free again.
    convert(chunks(&stream, 1 << 20), &options, Vec::new(), &control()).unwrap();
}

#[test]
fn one_whose_tar_is_damaged_does_not_wait_for_anothers_window_to_say_so() {
    let damaged = vec![b'x'; 1 << 20];
    let stream = [frame(&damaged, 20), frame(&damaged, 26)].concat();
    let whole = frame(&tar(), 26);
    let gate = Arc::new(WindowGate::new(ByteSize::mib(64)));
    let control = || Control::new().sharing_windows(Arc::clone(&gate));
    let holder = control();
    let (to_holder, holders) = channel();
    let of_whole = options(&whole, &tar(), Compression::Zstd);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| convert(fed(holders), &of_whole, Vec::new(), &holder));
        to_holder.send(whole[..whole.len() - 8].to_vec()).unwrap();
        while holder.tar_bytes() == 0 {
            std::thread::yield_now();
        }
        let of_damaged = options(&stream, &[damaged.clone(), damaged].concat(), Compression::Zstd);
        let error = convert(chunks(&stream, 1000), &of_damaged, Vec::new(), &control()).unwrap_err();
        assert!(matches!(error, ConvertError::Malformed { .. }), "{error:?}");
        drop(to_holder);
        held.join().unwrap().unwrap_err();
    });
}
