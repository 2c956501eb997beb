//! [`Lab`]: a system for a test, on a disk in memory and in a time that the test moves.
//!
//! # Invariants
//!
//! 1. Time stands still while there is a hold. It is given up only inside of a method that lets time pass.
//! 2. At most one system is alive on the disk: the last one is given up, and its disk without power, before the next one starts.

use std::fmt;
use std::future::Future as _;
use std::future::{IntoFuture, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::builder::LabBuilder;
use super::disk::{Disk, Unsynced};
use super::hold::Hold;
use super::work::{Entered, Work};
use crate::actor::Handlers;
use crate::clock::Clock;
use crate::error::{CallError, SystemError};
use crate::key::IntoKey;
use crate::store::SimDisk;
use crate::system::System;

/// A system for a test, on a disk in memory and in a time that the test moves: see the [module](super).
///
/// It stays on the thread of its test, which has one at a time.
pub struct Lab {
    /// There is one except while the next is being started.
    system: Option<System>,
    disk: Disk,
    clock: Clock,
    builder: LabBuilder,
    /// INVARIANT 1
    hold: Option<Hold>,
    work: Work,
    _entered: Entered,
}

impl Lab {
    /// Begins to set up a lab.
    #[must_use]
    pub fn builder() -> LabBuilder {
        LabBuilder::new()
    }

    pub(super) async fn start(builder: LabBuilder) -> Result<Self, SystemError> {
        assert!(
            is_paused(),
            "a `Lab` moves tokio's paused clock: write `#[tokio::test(start_paused = true)]`"
        );
        let (work, entered) = Work::enter();
        let mut lab = Self {
            system: None,
            disk: Disk::new(SimDisk::new(builder.seed)),
            clock: Clock::starting_at(builder.beginning),
            builder,
            hold: Some(Hold::take(&work)),
            work,
            _entered: entered,
        };
        lab.start_system().await?;
        Ok(lab)
    }

    async fn start_system(&mut self) -> Result<(), SystemError> {
        let builder = self.builder.system().clock(self.clock);
        self.system = Some(builder.simulated(self.disk.get()).start().await?);
        self.idle().await;
        Ok(())
    }

    /// Returns the system of now. After a power cut, a kill or a restart it is another one.
    ///
    /// # Panics
    ///
    /// If the last one was shut down, or could not be started again.
    #[must_use]
    pub fn system(&self) -> &System {
        self.system.as_ref().expect("a system runs in this lab")
    }

    /// Returns a handle to an actor that should exist: see [`System::get`].
    #[must_use]
    pub fn get<A: Handlers>(&self, key: impl IntoKey) -> A::Handle {
        self.system().get::<A>(key)
    }

    /// Returns a handle that creates the actor if need be: see [`System::get_or_create`].
    #[must_use]
    pub fn get_or_create<A: Handlers>(&self, key: impl IntoKey, input: A::Input) -> A::Handle {
        self.system().get_or_create::<A>(key, input)
    }

    /// Creates an actor: see [`System::create`].
    ///
    /// # Errors
    ///
    /// Those of [`System::create`].
    pub async fn create<A: Handlers>(
        &self,
        key: impl IntoKey,
        input: A::Input,
    ) -> Result<A::Handle, CallError> {
        self.system().create::<A>(key, input).await
    }

    /// Returns the disk, on which things can go wrong.
    #[must_use]
    pub fn disk(&self) -> Disk {
        self.disk.clone()
    }

    /// Returns what the systems of this lab take the time from.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Returns what the clock shows.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Lets a time pass, to the millisecond, rounded up. Everything that is due meanwhile, timers, sleeps, limits, pauses after
    /// failures, happens at its moment and in its order, and what follows from it happens before time goes on. Returns when nothing
    /// is under way any more: see [`idle`](Lab::idle).
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # use actor_core::testing::{Lab, Unsynced};
    /// # use std::time::Duration;
    /// # #[derive(Actor)]
    /// # struct Counter {
    /// #     #[state]
    /// #     count: State<u64>,
    /// #     #[vars]
    /// #     calls: u64,
    /// # }
    /// # #[actor]
    /// # impl Counter {
    /// #     #[action]
    /// #     fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
    /// #         self.calls += 1;
    /// #         *self.count += more;
    /// #         Ok(*self.count)
    /// #     }
    /// #     #[action]
    /// #     fn calls(&self, _cx: &mut Context<'_, Self>) -> Result<u64> {
    /// #         Ok(self.calls)
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    /// let mut lab = Lab::builder().register::<Counter>().start().await?;
    /// let visits = lab.get_or_create::<Counter>("visits", ());
    /// visits.add(1).every(Duration::from_secs(60)).await?;
    /// lab.advance(Duration::from_hours(1)).await;
    /// assert_eq!(visits.add(0).await?, 60);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, time runs as tokio's does until the next call of a method that stops it.
    pub async fn advance(&mut self, time: Duration) {
        let until = Instant::now() + time;
        let mut moment = pin!(tokio::time::sleep_until(until));
        // It is among tokio's timers before time can pass, so that no other is reached that is behind it.
        poll_fn(|task| Poll::Ready(moment.as_mut().poll(task).is_ready())).await;
        self.run_until(moment).await;
        self.idle().await;
    }

    /// Lets time pass until the clock shows this; not at all if it does, or shows a later time.
    ///
    /// # Cancel safety
    ///
    /// That of [`advance`](Lab::advance).
    pub async fn advance_to(&mut self, time: SystemTime) {
        let left = time.duration_since(self.now()).unwrap_or_default();
        self.advance(left).await;
    }

    /// Lets time pass while a future runs: as tokio's paused clock does it, whenever there is nothing else to do, and as far as the
    /// next moment for which something waits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::testing::Lab;
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut lab = Lab::builder().start().await?;
    /// let before = lab.now();
    /// lab.run_until(tokio::time::sleep(Duration::from_secs(5))).await;
    /// assert_eq!(lab.now().duration_since(before)?, Duration::from_secs(5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// That of [`advance`](Lab::advance), and that of the future.
    pub async fn run_until<F: IntoFuture>(&mut self, future: F) -> F::Output {
        if let Some(hold) = self.hold.take() {
            hold.release().await;
        }
        let output = future.await;
        self.hold();
        output
    }

    /// Waits until nothing is under way any more: no call, no message between actors, no start and no end, no commit that is not on
    /// disk, no task of the runtime that could go on. What waits for a later time is not under way, and neither is what waits for
    /// something that this test does. Time does not pass.
    ///
    /// It is not known of what a thread does that is none of the framework's, not even with `spawn_blocking`; of what
    /// `cx.blocking` does it is.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # use actor_core::testing::{Lab, Unsynced};
    /// # use std::time::Duration;
    /// # #[derive(Actor)]
    /// # struct Counter {
    /// #     #[state]
    /// #     count: State<u64>,
    /// #     #[vars]
    /// #     calls: u64,
    /// # }
    /// # #[actor]
    /// # impl Counter {
    /// #     #[action]
    /// #     fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
    /// #         self.calls += 1;
    /// #         *self.count += more;
    /// #         Ok(*self.count)
    /// #     }
    /// #     #[action]
    /// #     fn calls(&self, _cx: &mut Context<'_, Self>) -> Result<u64> {
    /// #         Ok(self.calls)
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    /// let mut lab = Lab::builder().register::<Counter>().start().await?;
    /// let visits = lab.get_or_create::<Counter>("visits", ());
    /// visits.add(1).tell().await?;
    /// lab.idle().await;
    /// // It was handled, and what it wrote is on disk.
    /// lab.power_cut().await?;
    /// assert_eq!(lab.get::<Counter>("visits").add(0).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// It can be dropped at any time.
    pub async fn idle(&mut self) {
        self.hold().idle().await;
    }

    fn hold(&mut self) -> &Hold {
        let work = &self.work;
        self.hold.get_or_insert_with(|| Hold::take(work))
    }

    /// Gives up the instance of an actor, as after a panic: nothing of its memory is kept, no hook runs for it, and the next one starts
    /// from what is durable, through the preamble. Calls that wait are answered by the next instance. An action or a hook that waits
    /// for something is undone, and fails with [`CallError::Panicked`]. Does nothing if the actor is asleep.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # use actor_core::testing::{Lab, Unsynced};
    /// # use std::time::Duration;
    /// # #[derive(Actor)]
    /// # struct Counter {
    /// #     #[state]
    /// #     count: State<u64>,
    /// #     #[vars]
    /// #     calls: u64,
    /// # }
    /// # #[actor]
    /// # impl Counter {
    /// #     #[action]
    /// #     fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
    /// #         self.calls += 1;
    /// #         *self.count += more;
    /// #         Ok(*self.count)
    /// #     }
    /// #     #[action]
    /// #     fn calls(&self, _cx: &mut Context<'_, Self>) -> Result<u64> {
    /// #         Ok(self.calls)
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    /// let mut lab = Lab::builder().register::<Counter>().start().await?;
    /// let visits = lab.get_or_create::<Counter>("visits", ());
    /// visits.add(2).await?;
    /// assert_eq!(visits.calls().await?, 1);
    ///
    /// lab.crash::<Counter>("visits").await?;
    /// // State is kept, and vars are made anew.
    /// assert_eq!((visits.add(0).await?, visits.calls().await?), (2, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::NotRegistered`], and the error of a bad key.
    pub async fn crash<A: Handlers>(&mut self, key: impl IntoKey) -> Result<(), CallError> {
        // What waits for nothing but its turn goes on first, so that the same test crashes at the same place each time.
        self.idle().await;
        self.system().crash::<A>(key).await?;
        self.idle().await;
        Ok(())
    }

    /// Cuts the power, and starts a new system from what was synced. Calls that were not answered fail with
    /// [`CallError::ShutDown`], and so does every call of a handle of the last system.
    ///
    /// # Errors
    ///
    /// The new system does not start.
    pub async fn power_cut(&mut self) -> Result<(), SystemError> {
        self.power_cut_with(Unsynced::Lost).await
    }

    /// Cuts the power like [`power_cut`](Lab::power_cut), and says what becomes of that which was written and not synced.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # use actor_core::Durability;
    /// # use actor_core::testing::{Lab, Unsynced};
    /// # use std::time::Duration;
    /// # #[derive(Actor)]
    /// # struct Counter {
    /// #     #[state]
    /// #     count: State<u64>,
    /// #     #[vars]
    /// #     calls: u64,
    /// # }
    /// # #[actor]
    /// # impl Counter {
    /// #     #[action]
    /// #     fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
    /// #         self.calls += 1;
    /// #         *self.count += more;
    /// #         Ok(*self.count)
    /// #     }
    /// #     #[action]
    /// #     fn calls(&self, _cx: &mut Context<'_, Self>) -> Result<u64> {
    /// #         Ok(self.calls)
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    /// let lab = Lab::builder().register::<Counter>().durability(Durability::Process);
    /// let mut lab = lab.start().await?;
    /// lab.get_or_create::<Counter>("visits", ()).add(1).await?;
    ///
    /// // In order, so that all is synced; then something that is only written.
    /// lab.restart().await?;
    /// lab.get::<Counter>("visits").add(1).await?;
    /// lab.power_cut_with(Unsynced::Lost).await?;
    /// assert_eq!(lab.get::<Counter>("visits").add(0).await?, 1);
    ///
    /// lab.get::<Counter>("visits").add(1).await?;
    /// lab.power_cut_with(Unsynced::Kept).await?;
    /// assert_eq!(lab.get::<Counter>("visits").add(0).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The new system does not start.
    pub async fn power_cut_with(&mut self, unsynced: Unsynced) -> Result<(), SystemError> {
        self.disk.cut_power(unsynced);
        self.begin_anew().await
    }

    /// Ends the process of the system, as `kill -9` does, and starts a new one from everything that was written.
    ///
    /// # Errors
    ///
    /// The new system does not start.
    pub async fn kill(&mut self) -> Result<(), SystemError> {
        self.disk.kill();
        self.begin_anew().await
    }

    /// INVARIANT 2: the last system has a disk without power by now.
    async fn begin_anew(&mut self) -> Result<(), SystemError> {
        if let Some(system) = self.system.take() {
            system.abandon().await;
            self.idle().await;
        }
        self.start_system().await
    }

    /// Shuts the system down in order, and starts a new one. Time passes if hooks take it.
    ///
    /// # Errors
    ///
    /// Those of [`System::shutdown`]; the new system does not start.
    pub async fn restart(&mut self) -> Result<(), SystemError> {
        self.shutdown().await?;
        self.start_system().await
    }

    /// Shuts the system down in order. Time passes if hooks take it. [`power_cut`](Lab::power_cut), [`kill`](Lab::kill) and
    /// [`restart`](Lab::restart) start the next one.
    ///
    /// # Errors
    ///
    /// Those of [`System::shutdown`].
    pub async fn shutdown(&mut self) -> Result<(), SystemError> {
        let Some(system) = self.system.take() else {
            return Ok(());
        };
        let ended = self.run_until(system.shutdown()).await;
        if ended.is_err() {
            system.abandon().await;
        }
        self.idle().await;
        ended
    }
}

/// Returns whether tokio's clock is paused: then it shows the same while that on the wall goes on.
fn is_paused() -> bool {
    let (shown, begun) = (Instant::now(), std::time::Instant::now());
    while begun.elapsed().is_zero() {
        std::hint::spin_loop();
    }
    Instant::now() == shown
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab")
            .field("system", &self.system)
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}
