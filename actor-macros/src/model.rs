//! What the macros know about the user's code: plain data that keeps the user's tokens, for their spans.

use proc_macro2::Ident;
use syn::{Attribute, Expr, Generics, ItemImpl, LitInt, LitStr, Path, Type, Visibility};

use crate::names::Runtime;

/// What an annotated method is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `#[migrate]`.
    Migrate,
    /// `#[data_migration]`.
    DataMigration,
    /// `#[migrate_state]`.
    MigrateState,
    /// `#[create_state]`.
    CreateState,
    /// `#[on_create]`.
    OnCreate,
    /// `#[create_vars]`.
    CreateVars,
    /// `#[on_wake]`.
    OnWake,
    /// `#[on_before_start]`.
    OnBeforeStart,
    /// `#[on_state_change]`.
    OnStateChange,
    /// `#[on_error]`.
    OnError,
    /// `#[run]`.
    Run,
    /// `#[on_sleep]`.
    OnSleep,
    /// `#[on_destroy]`.
    OnDestroy,
    /// `#[action]`.
    Action,
    /// `#[queue]`.
    Queue,
}

impl Kind {
    /// Every kind, in the order of the preamble.
    pub(crate) const ALL: [Self; 15] = [
        Self::Migrate,
        Self::DataMigration,
        Self::MigrateState,
        Self::CreateState,
        Self::OnCreate,
        Self::CreateVars,
        Self::OnWake,
        Self::OnBeforeStart,
        Self::OnStateChange,
        Self::OnError,
        Self::Run,
        Self::OnSleep,
        Self::OnDestroy,
        Self::Action,
        Self::Queue,
    ];

    /// The name of the attribute.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Migrate => "migrate",
            Self::DataMigration => "data_migration",
            Self::MigrateState => "migrate_state",
            Self::CreateState => "create_state",
            Self::OnCreate => "on_create",
            Self::CreateVars => "create_vars",
            Self::OnWake => "on_wake",
            Self::OnBeforeStart => "on_before_start",
            Self::OnStateChange => "on_state_change",
            Self::OnError => "on_error",
            Self::Run => "run",
            Self::OnSleep => "on_sleep",
            Self::OnDestroy => "on_destroy",
            Self::Action => "action",
            Self::Queue => "queue",
        }
    }

    /// Finds the kind whose attribute has this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The place in the preamble's table. Actions and queues have none, nor have the steps of the state, which their versions
    /// order, and the hooks behind a change and an error, which have no other beside them.
    pub(crate) const fn step(self) -> Option<Step> {
        match self {
            Self::Migrate | Self::DataMigration => Some(Step(0)),
            Self::CreateState => Some(Step(1)),
            Self::OnCreate => Some(Step(2)),
            Self::CreateVars => Some(Step(3)),
            Self::OnWake => Some(Step(4)),
            Self::OnBeforeStart => Some(Step(5)),
            Self::Run => Some(Step(6)),
            Self::OnSleep => Some(Step(7)),
            Self::OnDestroy => Some(Step(8)),
            Self::Action
            | Self::Queue
            | Self::MigrateState
            | Self::OnStateChange
            | Self::OnError => None,
        }
    }

    /// What the context of this kind offers.
    pub(crate) const fn stage(self) -> Stage {
        match self {
            Self::Migrate | Self::DataMigration | Self::MigrateState => Stage::Migrating,
            Self::CreateState => Stage::Migrated,
            Self::OnCreate | Self::CreateVars => Stage::Stateful,
            _ => Stage::Ready,
        }
    }

    /// Whether the method has a `self`: the actor is put together after `create_vars`.
    pub(crate) const fn has_self(self) -> bool {
        matches!(self.stage(), Stage::Ready) && !matches!(self, Self::Run | Self::Queue)
    }

    /// Whether the method has a context.
    pub(crate) const fn has_context(self) -> bool {
        !matches!(
            self,
            Self::Migrate | Self::MigrateState | Self::Run | Self::Queue
        )
    }

    /// Whether it runs behind something else, in a transaction that is not its alone.
    pub(crate) const fn runs_behind(self) -> bool {
        matches!(self, Self::OnStateChange | Self::OnError)
    }

    /// Whether an actor has one of them at most.
    pub(crate) const fn is_single(self) -> bool {
        matches!(
            self,
            Self::Migrate
                | Self::CreateState
                | Self::CreateVars
                | Self::OnStateChange
                | Self::OnError
        )
    }

    /// The options that the attribute takes.
    pub(crate) const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Migrate | Self::OnStateChange | Self::OnError => &["timeout"],
            Self::Action => &["timeout", "durability"],
            Self::DataMigration => &["after", "new", "timeout", "unchecked"],
            Self::MigrateState => &["from"],
            Self::Run => &["before", "after"],
            Self::Queue => &["max", "visibility", "tries"],
            _ => &["before", "after", "timeout"],
        }
    }
}

/// A place in the preamble's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step(u8);

impl Step {
    /// The step of the migrations, before which nothing may run.
    pub(crate) const MIGRATE: Self = Self(0);

    /// The name of the step: that of its first attribute.
    pub(crate) fn name(self) -> &'static str {
        let mut kinds = Kind::ALL.into_iter();
        kinds
            .find(|kind| kind.step() == Some(self))
            .map_or("", Kind::name)
    }

    /// Finds the step with this name. `data_migration` is a part of the step `migrate`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Kind::named(name).and_then(Kind::step)
    }
}

/// What a context offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The database.
    Migrating,
    /// The key and the rest of the system too.
    Migrated,
    /// The state too.
    Stateful,
    /// Everything, beside `self`.
    Ready,
}

impl Stage {
    /// Every stage, in the order in which they are reached.
    pub(crate) const ALL: [Self; 4] =
        [Self::Migrating, Self::Migrated, Self::Stateful, Self::Ready];

    /// The name of the stage's type.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Migrating => "Migrating",
            Self::Migrated => "Migrated",
            Self::Stateful => "Stateful",
            Self::Ready => "Ready",
        }
    }

    /// The context parameter of a hook in this stage, as a user writes it.
    pub(crate) fn parameter(self) -> String {
        match self {
            Self::Ready => "cx: &mut Context<'_, Self>".to_owned(),
            stage => format!("cx: &mut Context<'_, Self, {}>", stage.name()),
        }
    }
}

/// An `#[actor]` block.
pub(crate) struct Block {
    /// The block as it is written again, without the attributes that were for us.
    pub(crate) item: ItemImpl,
    /// The path of `actor_core`.
    pub(crate) runtime: Runtime,
    /// The type of the typed handle, with the actor's type arguments.
    pub(crate) handle: Type,
    /// The annotated methods, in source order; the index of a hook is its id.
    pub(crate) hooks: Vec<Hook>,
}

impl Block {
    /// The `cfg` attributes below `#[actor]`, which the compiler has not seen yet.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        let attributes = self.item.attrs.iter();
        attributes.filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// The hooks of one kind, in source order.
    pub(crate) fn hooks_of(&self, kind: Kind) -> impl Iterator<Item = &Hook> {
        self.hooks.iter().filter(move |hook| hook.kind == kind)
    }
}

/// One annotated method.
pub(crate) struct Hook {
    /// Which of the generated match arms calls it.
    pub(crate) id: u32,
    /// What it is.
    pub(crate) kind: Kind,
    /// The path in its attribute.
    pub(crate) attribute: Path,
    /// The name that the user gave it.
    pub(crate) name: Ident,
    /// Its `cfg` attributes, which everything that is generated for it carries too.
    pub(crate) cfgs: Vec<Attribute>,
    /// Its documentation and `#[deprecated]`, which the handle's method carries too.
    pub(crate) docs: Vec<Attribute>,
    /// Its visibility.
    pub(crate) visibility: Visibility,
    /// What the attribute says.
    pub(crate) options: HookOptions,
    /// Its signature, read.
    pub(crate) signature: Signature,
    /// The method as it was written, for the checks.
    pub(crate) method: syn::ImplItemFn,
    /// Whether a handle's method can be written for it, though it may have other mistakes.
    pub(crate) callable: bool,
}

/// What stands in the parentheses of a hook attribute.
#[derive(Default)]
pub(crate) struct HookOptions {
    /// The directory of `#[migrate]`.
    pub(crate) directory: Option<LitStr>,
    /// The version in the `after` of a `#[data_migration]`.
    pub(crate) version: Option<LitStr>,
    /// `new` of a `#[data_migration]`.
    pub(crate) new: bool,
    /// `unchecked` of a `#[data_migration]`.
    pub(crate) unchecked: bool,
    /// The version in the `from` of a `#[migrate_state]`.
    pub(crate) from: Option<StateVersion>,
    /// Whether there is a `from`, which may have a mistake of its own.
    pub(crate) has_from: bool,
    /// The time limit, in milliseconds.
    pub(crate) timeout: Option<u64>,
    /// What the reply of an action may rely on.
    pub(crate) durability: Option<Durability>,
    /// The names in `before` and `after`.
    pub(crate) marks: Vec<Mark>,
    /// How many messages a queue holds.
    pub(crate) max: Option<LitInt>,
    /// How long a message of a queue is its taker's, in milliseconds.
    pub(crate) visibility: Option<u64>,
    /// How often a message of a queue is handed out.
    pub(crate) tries: Option<LitInt>,
}

/// A version of the state, with the token that says so.
pub(crate) struct StateVersion {
    /// The version.
    pub(crate) number: i32,
    /// Where it is written.
    pub(crate) token: LitInt,
}

impl StateVersion {
    /// The newest version that a state can have. Each has a step of its own, so that a larger number is something else: a
    /// date, for instance, which would leave thousands of steps missing.
    pub(crate) const MAX: i32 = 1_000;
}

/// One name in a `before = …` or `after = …`.
pub(crate) struct Mark {
    /// Whether the marked hook runs before what is named.
    pub(crate) before: bool,
    /// What is named: a hook of the block or a step.
    pub(crate) name: Ident,
}

/// The parts of a signature that matter to us.
pub(crate) struct Signature {
    /// Whether it is an `async fn`.
    pub(crate) is_async: bool,
    /// How it takes its `self`, if it does.
    pub(crate) receiver: Option<Receiver>,
    /// The context, if the first parameter is one.
    pub(crate) context: Option<Context>,
    /// All that follows.
    pub(crate) arguments: Vec<Argument>,
    /// What it returns, if anything is written.
    pub(crate) returns: Option<Type>,
}

/// How a method takes its `self`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// `&self`.
    Shared,
    /// `&mut self`.
    Exclusive,
    /// Anything else.
    Other,
}

/// A context parameter.
pub(crate) struct Context {
    /// Its name, if it has a plain one.
    pub(crate) name: Option<Ident>,
    /// Its whole type.
    pub(crate) ty: Type,
    /// Whether it is borrowed mutably.
    pub(crate) is_mut: bool,
    /// The stage that it asks for.
    pub(crate) stage: AskedStage,
}

/// The stage that a context's type names.
pub(crate) enum AskedStage {
    /// A stage of ours, with the token that names it.
    Named(Stage, Ident),
    /// None, which means a running actor.
    Default,
    /// Something that only the compiler can resolve.
    Unclear,
}

/// An argument of an action, or the input of `create_state`.
pub(crate) struct Argument {
    /// Its name; one of ours when the user wrote a pattern.
    pub(crate) name: Ident,
    /// Whether the user wrote a plain name.
    pub(crate) is_plain: bool,
    /// The parameter as it was written.
    pub(crate) written: syn::PatType,
}

/// A struct with `#[derive(Actor)]`.
pub(crate) struct Actor {
    /// The name of the struct.
    pub(crate) ident: Ident,
    /// Its visibility, which the handle has too.
    pub(crate) visibility: Visibility,
    /// Its generics.
    pub(crate) generics: Generics,
    /// The path of `actor_core`.
    pub(crate) runtime: Runtime,
    /// The name of the actors.
    pub(crate) name: String,
    /// The other options.
    pub(crate) options: ActorOptions,
    /// The `#[state]` field.
    pub(crate) state: Option<Field>,
    /// The version in `#[state(version = …)]`.
    pub(crate) state_version: Option<StateVersion>,
    /// The `#[vars]` field.
    pub(crate) vars: Option<Field>,
}

/// A field of an actor.
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: Ident,
    /// Its type; for the state, the `T` of `State<T>`.
    pub(crate) ty: Type,
}

/// What `#[actor(…)]` on the struct sets.
#[derive(Default)]
pub(crate) struct ActorOptions {
    /// How long an actor stays awake.
    pub(crate) sleep_after: Option<SleepAfter>,
    /// The bound of the mailbox.
    pub(crate) mailbox: Option<Expr>,
    /// What replies may rely on.
    pub(crate) durability: Option<Durability>,
    /// How often one that panics is started again.
    pub(crate) restarts: Option<Expr>,
    /// Within what time that is, in milliseconds.
    pub(crate) restart_window: Option<u64>,
    /// The time limits, in milliseconds.
    pub(crate) timeouts: Vec<(Ident, u64)>,
}

/// What a reply may rely on.
#[derive(Clone, Copy)]
pub(crate) enum Durability {
    /// It survives a power cut.
    Synced,
    /// It survives the end of the process.
    Process,
}

/// How long an actor stays awake with nothing to do.
#[derive(Clone, Copy)]
pub(crate) enum SleepAfter {
    /// For ever.
    Never,
    /// For this many milliseconds.
    Time(u64),
}
