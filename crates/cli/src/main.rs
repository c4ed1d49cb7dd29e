//! The `imc` binary.
fn main() {}
