//! What the macros say about mistakes, and what they accept: the cases are in `fail`, `pass` and `lints`, and
//! `tests/ui.rs` compiles each of them.
