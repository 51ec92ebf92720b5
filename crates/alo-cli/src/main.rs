//! The alo command line.

fn main() {}
