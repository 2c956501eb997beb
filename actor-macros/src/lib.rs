//! Macros of `actor-core`; see its documentation.
