//! The stages of the preamble, as types: what a [`Context`](crate::Context) offers to a hook.

/// The stage of a `#[data_migration]`: the database, at the version that the step belongs to.
#[derive(Debug)]
pub enum Migrating {}

/// The stage of `#[create_state]`: the whole schema and the key, but no state yet.
#[derive(Debug)]
pub enum Migrated {}

/// The stage of `#[on_create]` and `#[create_vars]`: the state exists too.
#[derive(Debug)]
pub enum Stateful {}

/// The stage of everything that has a `self`: hooks of a running actor, and its actions.
#[derive(Debug)]
pub enum Ready {}

/// A stage of the preamble. Implemented by [`Migrating`], [`Migrated`], [`Stateful`] and [`Ready`] only.
pub trait Stage: sealed::Sealed + Send + 'static {}

/// The stage `Self` is reached in a step whose context is `Step`.
///
/// A hook may ask for the context of its own step or of an earlier one, never of a later one.
#[diagnostic::on_unimplemented(
    message = "this hook asks for a `{Self}` context, which its step does not have yet",
    label = "offers what does not exist here; this step has `{Step}`",
    note = "the order is: `Migrating` (data_migration), `Migrated` (create_state), `Stateful` (on_create, create_vars), then `self` and a context without a stage"
)]
pub trait ReachedIn<Step: Stage>: Stage {}

/// A stage in which the key and the rest of the system are known.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` context offers the database only",
    note = "the key and the system are there from `#[create_state]` on"
)]
pub trait Keyed: Stage {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! stages {
    ($($stage:ident reached in $($step:ident),+;)*) => {$(
        impl sealed::Sealed for $stage {}
        impl Stage for $stage {}
        $(impl ReachedIn<$step> for $stage {})+
    )*};
}

stages! {
    Migrating reached in Migrating, Migrated, Stateful, Ready;
    Migrated reached in Migrated, Stateful, Ready;
    Stateful reached in Stateful;
    Ready reached in Ready;
}

impl Keyed for Migrated {}
impl Keyed for Stateful {}
impl Keyed for Ready {}
