//! Tests of the crate from outside: there and back, other readers, the kernel, hostile bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod it {
    mod dump;
    mod fuzz;
    mod golden;
    mod hostile;
    mod kernel;
    mod oracles;
    mod random;
    mod roundtrip;
    mod shapes;
    mod sparse;
    mod tree;
    mod writing;
}
