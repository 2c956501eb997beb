//! Examples, one idea a file. Each runs alone: `cargo run --example quickstart`.
