//! [`Salts`].

use std::hash::{BuildHasher, Hasher, RandomState};

/// Numbers that nobody can guess who has not read the log; or, for tests, numbers that follow from a seed.
#[derive(Debug)]
pub(super) enum Salts {
    /// Keyed by the operating system's randomness.
    Random,
    /// The last one.
    Seeded(u64),
}

impl Salts {
    pub(super) fn new(seed: Option<u64>) -> Self {
        seed.map_or(Self::Random, Self::Seeded)
    }

    /// Returns a number that was not there before.
    pub(super) fn next(&mut self) -> u64 {
        match self {
            // The standard library keys each hasher anew.
            Self::Random => RandomState::new().build_hasher().finish(),
            Self::Seeded(last) => {
                *last = last.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                *last
            }
        }
    }
}
