//! Durable actors: each has a key, typed handlers, persisted state and **its own SQLite database**, queried with Diesel.
//!
//! [`#[derive(Actor)]`](derive@Actor) on a struct names its state and its vars; [`#[actor]`](macro@actor) on its `impl` block reads
//! the annotated methods and writes the *preamble*, the ordered start in which the embedded migrations run before any other code
//! of the actor. [`schema!`] writes Diesel's `table!`s from the same migrations. A [`System`] has a data directory and the actors in
//! it; handles from it call their actions.
//!
//! ```
//! use actor_core::prelude::*;
//!
//! #[derive(Actor)]
//! struct Counter {
//!     #[state]
//!     count: State<u64>,
//! }
//!
//! #[actor]
//! impl Counter {
//!     #[action]
//!     fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
//!         *self.count += more;
//!         Ok(*self.count)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path();
//! let system = System::builder().data_dir(path).register::<Counter>().start().await?;
//! let visits = system.get_or_create::<Counter>("visits", ());
//! assert_eq!(visits.add(2).await?, 2);
//! system.shutdown().await?;
//!
//! // What was answered is on disk: the next process finds it.
//! let system = System::builder().data_dir(path).register::<Counter>().start().await?;
//! assert_eq!(system.get::<Counter>("visits").add(1).await?, 3);
//! # Ok(())
//! # }
//! ```
//!
//! `SEMANTICS.md` in the repository says what is promised and what is not; [`limits`] has every bound, with its reason;
//! `docs/OBSERVABILITY.md` lists the spans of `tracing` that the framework makes, and the metrics that it keeps with the feature `metrics`.

mod actor;
mod away;
mod background;
mod builder;
mod call;
mod caught;
mod clock;
mod codec;
mod context;
mod cron;
mod dead_letter;
mod error;
mod error_chain;
mod error_report;
mod event;
mod failure;
mod handle;
mod hooks;
mod ids;
mod info;
mod keep_awake;
mod key;
pub mod limits;
mod message;
mod observe;
mod options;
mod other_system;
mod plumbing;
pub mod prelude;
mod queue;
mod runtime;
mod schema;
mod shape;
mod stage;
mod state;
mod store;
mod system;
#[cfg(feature = "testing")]
pub mod testing;
mod timer;
mod watch;

pub use actor::{Actor, ActorState, Handlers};
pub use actor_macros::{
    Actor, Event, StateShape, action, actor, create_state, create_vars, data_migration, migrate,
    migrate_state, on_before_start, on_create, on_destroy, on_error, on_sleep, on_state_change,
    on_wake, queue, run,
};
pub use background::Background;
pub use builder::Builder;
pub use call::{Ask, Call, Tell};
pub use clock::Clock;
pub use codec::{ValueError, ValueProblem};
pub use context::Context;
#[cfg(feature = "cron")]
pub use cron::Cron;
pub use dead_letter::{DeadLetter, DeadLetterId, DeadLetterKind};
pub use error::{CallError, StartCause, StartError, Subject, SystemError};
pub use error_report::{ErrorOrigin, ErrorReport};
pub use event::{Event, EventOf, Lagged, Subscription};
pub use failure::{Failure, Result, SharedError};
pub use handle::ActorRef;
pub use hooks::Step;
pub use info::{ActorInfo, Crash, RunInfo, RunState};
pub use keep_awake::KeepAwake;
pub use key::{IntoKey, Key, KeyError};
pub use message::{MessageId, OutgoingMessage, SendError};
pub use options::{Options, Timeouts};
pub use other_system::OtherSystem;
pub use plumbing::Storable;
pub use queue::{Job, Queue, QueueError, Queueable, QueuedId, Receipt};
pub use runtime::Status;
pub use shape::StateShape;
pub use stage::{Keyed, Migrated, Migrating, ReachedIn, Ready, Stage, Stateful};
pub use state::State;
pub use store::{Cursor, Db, DbUntilAwait, Durability, MigrationError, StoreError};
pub use system::{Listed, System};
pub use timer::{
    NamedCall, Repeats, SettingTimer, Timed, Timer, TimerError, TimerId, TimerRun, WhichTimer,
};
pub use watch::{Change, Watch};

/// What the macros call. Not part of the interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::actor::{Actor, Handlers};
    pub use crate::background::Background;
    pub use crate::call::Call;
    pub use crate::context::Context;
    #[cfg(feature = "cron")]
    pub use actor_macros::checked_cron as checked_cron_macro;

    /// Takes what `cron!` has checked.
    #[cfg(feature = "cron")]
    #[must_use]
    pub const fn checked_cron(expression: &'static str, zone: &'static str) -> crate::Cron {
        crate::Cron::checked(expression, zone)
    }

    pub use crate::error_report::ErrorReport;
    pub use crate::event::{Event, EventOf};
    pub use crate::failure::Failure;
    pub use crate::handle::ActorRef;
    pub use crate::hooks::{ActionInfo, DataMigration, Hook, Hooks, QueueInfo, Step};
    pub use crate::options::{Options, Timeouts};
    pub use crate::plumbing::{
        Borrowed, EqualByTrace, EqualByValue, HasState, InSchema, NotInSchema, NotStored,
        OlderState, OrDefault, Outcome, Probe, RowProbe, Same, Sees, Shape, StateFault, StateStep,
        StateSteps, Stored, StoredFault, handler, has_state, or_default, outcome,
    };
    pub use crate::queue::Queue;
    pub use crate::shape::{Shaped, StateShape, Unshaped, assert_shape};
    pub use crate::stage::{Migrated, Migrating, ReachedIn, Ready, Stage, Stateful};
    pub use crate::state::State;
    pub use crate::store::{Durability, Migration, Migrations};
    pub use actor_macros::schema;
    pub use diesel;
}

/// Compiles the README's examples, of which one needs the test kit.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Compiles the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../docs/GUIDE.md")]
struct Guide;
