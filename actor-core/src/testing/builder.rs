//! [`LabBuilder`]: sets up a lab.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::lab::Lab;
use super::limits;
use crate::actor::Handlers;
use crate::builder::Builder;
use crate::error::SystemError;
use crate::store::Durability;

/// Sets up a [`Lab`]. The system in it is set up in the same way each time it starts.
pub struct LabBuilder {
    setup: Vec<Box<dyn Fn(Builder) -> Builder>>,
    pub(super) beginning: SystemTime,
    pub(super) seed: u64,
}

impl LabBuilder {
    pub(super) fn new() -> Self {
        Self {
            setup: Vec::new(),
            beginning: SystemTime::UNIX_EPOCH + Duration::from_secs(limits::BEGINNING),
            seed: 0,
        }
    }

    /// Adds a type of actor.
    #[must_use]
    pub fn register<A: Handlers>(self) -> Self {
        self.with(Builder::register::<A>)
    }

    /// Adds a value that actors reach by its type: see [`Builder::extension`]. Each system gets a clone.
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(self, value: T) -> Self {
        self.with(move |builder| builder.extension(value.clone()))
    }

    /// Sets what replies may rely on: see [`Builder::durability`].
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        self.with(move |builder| builder.durability(durability))
    }

    /// Sets up the system by its own builder. The data directory and the clock are the lab's, whatever this sets.
    #[must_use]
    pub fn with(mut self, setup: impl Fn(Builder) -> Builder + 'static) -> Self {
        self.setup.push(Box::new(setup));
        self
    }

    /// Sets what the clock shows in the beginning; Monday, 1 January 2024, 00:00 UTC if it is not called.
    #[must_use]
    pub fn starting_at(mut self, time: SystemTime) -> Self {
        self.beginning = time;
        self
    }

    /// Sets what decides what a failed sync leaves; 0 if it is not called.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts a system on an empty disk. From now on time stands still.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::start`].
    ///
    /// # Panics
    ///
    /// In a runtime whose clock is not paused, which `#[tokio::test(start_paused = true)]` does, or whose thread has a lab already.
    pub async fn start(self) -> Result<Lab, SystemError> {
        Lab::start(self).await
    }

    pub(super) fn system(&self) -> Builder {
        let mut builder = Builder::new();
        for setup in &self.setup {
            builder = setup(builder);
        }
        builder
    }
}

impl fmt::Debug for LabBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabBuilder")
            .field("beginning", &self.beginning)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
