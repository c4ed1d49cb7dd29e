//! What tars hold, in every notation, arrives in the blob.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use support::tape::{Header, Tape};
use support::tree;

#[test]
fn every_type_of_file() {
    let tar = Tape::new()
        .dir("./")
        .dir("d/")
        .file("d/f", b"content")
        .symlink("d/s", "../f")
        .hard_link("d/h", "d/f")
        .entry(Header::new(b"c", b'3', 0).device(1, 3), b"")
        .entry(Header::new(b"b", b'4', 0).device(259, 300), b"")
        .entry(&mut Header::new(b"p", b'6', 0), b"")
        .end();
    assert_eq!(
        tree(&tar),
        [
            "/ dir 755 0:0 1000000000.000000000 links=3",
            "b block:259:300 644 0:0 1000000000.000000000 links=1",
            "c char:1:3 644 0:0 1000000000.000000000 links=1",
            "d dir 755 0:0 1000000000.000000000 links=2",
            "d/f file=\"content\" 644 0:0 1000000000.000000000 links=2",
            "d/h file=\"content\" 644 0:0 1000000000.000000000 links=2",
            "d/s ->../f 777 0:0 1000000000.000000000 links=1",
            "p fifo 644 0:0 1000000000.000000000 links=1",
        ]
    );
}

#[test]
fn an_empty_tar_in_every_form() {
    for tar in [vec![], vec![0; 512], vec![0; 1024], vec![0; 10240]] {
        assert_eq!(tree(&tar), ["/ dir 755 0:0 0.000000000 links=2"]);
    }
}
