//! Inflates gzip files and throws the content away, on one thread: what `make bench` prints as the limit of inflating
//! alone. The check is the one that layers get, where the diff id makes the CRC redundant.
//!
//! `cargo run --release -p inflate --example discard -- FILE...`
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for the terminal")]

use std::fs::File;
use std::hint::black_box;
use std::io::Read;

use inflate::{Check, GzipDecoder, Options, OutputBuffer, Status};

const BUFFER: usize = 256 << 10;

fn main() {
    for path in std::env::args_os().skip(1) {
        let file = File::open(&path).expect("a file that can be read");
        println!("{} bytes of {}", discard(file), path.to_string_lossy());
    }
}

fn discard(mut file: File) -> u64 {
    let options = Options { check: Check::LengthOnly, ..Options::default() };
    let mut decoder = GzipDecoder::new(options, OutputBuffer::with_capacity(BUFFER));
    let mut spare = OutputBuffer::with_capacity(BUFFER);
    let mut chunk = vec![0; BUFFER];
    loop {
        let length = file.read(&mut chunk).expect("a file that can be read");
        if length == 0 {
            break;
        }
        let mut input = &chunk[..length];
        while decoder.decode(&mut input).expect("valid gzip") == Status::OutputFull {
            spare = decoder.take_output(spare);
            black_box(spare.as_slice());
        }
    }
    let total = decoder.total_output();
    decoder.finish().expect("a whole gzip stream");
    total
}
