//! [`Actor`] and [`Handlers`]: what the two macros implement.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::background::Background;
use crate::context::Context;
use crate::error_report::ErrorReport;
use crate::failure::Failure;
use crate::handle::ActorRef;
use crate::hooks::{ActionInfo, Hooks, Step};
use crate::options::Options;
use crate::plumbing::{StateFault, StoredFault};
use crate::stage::{Migrated, Migrating, Stateful};
use crate::state::State;
use crate::store::Migrations;

/// A type of actor: its name, its options and its fields. Implemented by `#[derive(Actor)]`.
///
/// The derive also writes the typed handle, a struct named after the actor (`ChatRoom` gets `ChatRoomHandle`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    label = "this is not an actor",
    note = "add `#[derive(Actor)]` to `{Self}`, and `#[actor]` to its `impl` block"
)]
pub trait Actor: Sized + Send + 'static {
    /// The name of the type, which is also its directory below the data directory.
    const NAME: &'static str;
    /// The options written in `#[actor(…)]`.
    const OPTIONS: Options;
    /// What is saved besides the tables; `()` without a `#[state]` field.
    type State: ActorState;
    /// What lives in memory only; `()` without a `#[vars]` field.
    type Vars: Send + 'static;
    /// The version of [`State`](Self::State), as `#[state(version = …)]` says; 0 without a `#[state]` field.
    #[doc(hidden)]
    const __STATE_VERSION: i32;

    #[doc(hidden)]
    fn __assemble(state: State<Self::State>, vars: Self::Vars) -> Self;
    #[doc(hidden)]
    fn __state(&mut self) -> Option<&mut State<Self::State>>;
}

/// A value that can be an actor's `#[state]`. Implemented for all that is `Serialize`, `DeserializeOwned`, `Clone` and `Send`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of an actor",
    label = "cannot be saved as state",
    note = "state is saved as JSON and copied before its first change: `#[derive(Clone, serde::Serialize, serde::Deserialize)]`"
)]
pub trait ActorState: Serialize + DeserializeOwned + Clone + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Send + 'static> ActorState for T {}

/// The hooks and actions of an actor. Implemented by `#[actor]` on its `impl` block.
#[diagnostic::on_unimplemented(
    message = "the actor `{Self}` has no `#[actor]` block",
    label = "its hooks and actions are missing",
    note = "write `#[actor] impl {Self} {{ … }}`; an actor without hooks and actions has an empty one"
)]
pub trait Handlers: Actor {
    /// The typed handle.
    type Handle: From<ActorRef<Self>> + Clone + Send + Sync + 'static;
    /// What `#[create_state]` takes besides the context; `()` if it takes nothing or is not there.
    type Input: Clone + Send + Sync + 'static;
    /// One variant for each action, with its arguments.
    type Message: Send + 'static;
    /// One variant for each action, with what it returns.
    type Reply: Send + 'static;
    #[doc(hidden)]
    const MIGRATIONS: Migrations;
    #[doc(hidden)]
    const HOOKS: Hooks;
    /// Whether it has a database: it has tables, a state or a queue. Others are in memory, and nowhere else.
    #[doc(hidden)]
    const __STORED: bool = Self::__STATE_VERSION != 0
        || !Self::MIGRATIONS.is_empty()
        || !Self::HOOKS.queues.is_empty();

    #[doc(hidden)]
    fn __action(message: &Self::Message) -> &'static ActionInfo;
    #[doc(hidden)]
    fn __encode_input(input: &Self::Input) -> Result<String, StoredFault>;
    #[doc(hidden)]
    fn __decode_input(json: &str) -> Result<Self::Input, StoredFault>;
    #[doc(hidden)]
    fn __encode(message: &Self::Message) -> Result<String, StoredFault>;
    #[doc(hidden)]
    fn __decode(action: &str, json: &str) -> Result<Self::Message, StoredFault>;
    /// Compares two states by what their type says.
    #[doc(hidden)]
    fn __same_state(_state: &Self::State, _read: &Self::State) -> bool {
        true
    }
    #[doc(hidden)]
    fn __data_migration(
        id: u32,
        cx: &mut Context<'_, Self, Migrating>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    #[doc(hidden)]
    fn __migrate_state(version: i32, json: &str) -> Result<Self::State, StateFault>;
    #[doc(hidden)]
    fn __create_state(
        cx: &mut Context<'_, Self, Migrated>,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::State, Failure>> + Send;
    #[doc(hidden)]
    fn __on_create(
        id: u32,
        cx: &mut Context<'_, Self, Stateful>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    #[doc(hidden)]
    fn __create_vars(
        cx: &mut Context<'_, Self, Stateful>,
    ) -> impl Future<Output = Result<Self::Vars, Failure>> + Send;
    #[doc(hidden)]
    fn __hook(
        &mut self,
        step: Step,
        id: u32,
        cx: &mut Context<'_, Self>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Runs `#[on_state_change]`.
    #[doc(hidden)]
    fn __state_changed(
        &mut self,
        _cx: &mut Context<'_, Self>,
        _before: &Self::State,
    ) -> Result<(), Failure> {
        Ok(())
    }
    /// Runs `#[on_error]`.
    #[doc(hidden)]
    fn __on_error(
        &mut self,
        _cx: &mut Context<'_, Self>,
        _report: &ErrorReport,
    ) -> Result<(), Failure> {
        Ok(())
    }
    /// Runs an action that is not `async`.
    #[doc(hidden)]
    fn __act(
        &mut self,
        message: Self::Message,
        cx: &mut Context<'_, Self>,
    ) -> Result<Self::Reply, Failure>;
    /// Runs an action that is `async`.
    #[doc(hidden)]
    fn __dispatch(
        &mut self,
        message: Self::Message,
        cx: &mut Context<'_, Self>,
    ) -> impl Future<Output = Result<Self::Reply, Failure>> + Send;
    #[doc(hidden)]
    fn __run(
        id: u32,
        background: Background<Self>,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static;
}
