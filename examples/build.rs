//! Lets cargo see new migrations: the compiler cannot be told that a directory is an input.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for entry in std::fs::read_dir("migrations")
        .into_iter()
        .flatten()
        .flatten()
    {
        if entry.path().is_dir() {
            println!("cargo::rerun-if-changed={}", entry.path().display());
        }
    }
}
