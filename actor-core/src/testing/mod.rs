//! A test kit: a system on a disk in memory, in a time that the test moves. Needs the feature `testing`.
//!
//! A [`Lab`] has a whole [`System`](crate::System), the same code as outside of tests, on a [`Disk`] that knows what was synced. The
//! test moves its time, loses its power, crashes its actors, fills its disk up, and waits until nothing is under way. Nothing is
//! waited for on the clock on the wall, so that an hour takes no time, and each run is like the one before.
//!
//! ```
//! use std::time::Duration;
//!
//! use actor_core::prelude::*;
//! use actor_core::testing::Lab;
//!
//! #[derive(Actor)]
//! struct Reminders {
//!     #[state]
//!     said: State<Vec<String>>,
//! }
//!
//! #[actor]
//! impl Reminders {
//!     #[action]
//!     fn remind(&mut self, _cx: &mut Context<'_, Self>, text: String) -> Result<()> {
//!         self.said.push(text);
//!         Ok(())
//!     }
//!
//!     #[action]
//!     fn said(&self, _cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
//!         Ok(self.said.clone())
//!     }
//! }
//!
//! // In your tests: #[tokio::test(start_paused = true)]
//! #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
//!     let mut lab = Lab::builder().register::<Reminders>().start().await?;
//!     let ann = lab.get_or_create::<Reminders>("ann", ());
//!     ann.remind("tea").after(Duration::from_hours(1)).await?;
//!
//!     // What was not synced is gone, and a new system recovers.
//!     lab.power_cut().await?;
//!     lab.advance(Duration::from_hours(1)).await;
//!     assert_eq!(lab.get::<Reminders>("ann").said().await?, ["tea"]);
//!     Ok(())
//! }
//! ```
//!
//! # Time
//!
//! A lab needs a runtime of one thread whose clock is paused: `#[tokio::test(start_paused = true)]`. From its start on **time stands
//! still**, also while the test waits for a call. [`Lab::advance`] moves it: the clock from which stored times are taken and tokio's
//! alike, from one moment to the next for which anything waits, so that timers, sleeps, limits and pauses come in their order and see
//! their own time. A call that itself waits for time would never be answered; [`Lab::run_until`] lets time run for as long as it takes.
//!
//! The clock begins on Monday, 1 January 2024, 00:00 UTC, unless [`LabBuilder::starting_at`] says otherwise.
//!
//! # Ends
//!
//! [`Lab::power_cut`] leaves what was synced, [`Lab::power_cut_with`] any part of what was only written, and [`Lab::kill`] all of
//! that. [`Lab::crash`] gives up the instance of one actor, and [`Lab::restart`] shuts down in order. Time goes on through all of
//! them, and does not pass. Each but `crash` starts another system: take new handles from the lab.
//!
//! # Faults
//!
//! [`Lab::disk`] has them: a full disk, writes, reads and syncs that fail, on the whole disk, in the log or in the actors' files,
//! until it is healed.

mod builder;
mod disk;
mod hold;
mod lab;
pub(crate) mod limits;
mod work;

pub use builder::LabBuilder;
pub use disk::{Disk, Unsynced};
pub use lab::Lab;
pub(crate) use work::Work;
