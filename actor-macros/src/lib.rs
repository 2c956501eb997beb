//! The macros of `actor-core`, which re-exports them; its documentation says how they are used.
//!
//! Each macro takes the same way: `parse` turns tokens into the `model`, `validate` checks the model, and `expand` turns it
//! into code. Mistakes are collected in `diagnostics` on the way; when there are any, `fallback` writes just enough code
//! that the rest of the user's file is still checked, without errors that only follow from the first.

#[cfg(feature = "cron")]
mod cron;
mod diagnostics;
mod duration;
mod event;
mod expand;
mod fallback;
mod halves;
mod lockfile;
mod migrations;
mod model;
mod names;
mod order;
mod parse;
mod pipeline;
mod shape;
#[cfg(test)]
mod snapshots;
mod sqlite;
mod suggest;
mod validate;

use proc_macro::TokenStream;

/// Makes a struct an actor, and writes its typed handle.
///
/// ```text
/// #[derive(Actor)]
/// #[actor(
///     name = "chat-room",                               // the name of the struct in kebab case
///     sleep_after = "30s",                              // or "never"
///     mailbox = 1_024,                                  // how many calls wait before senders do
///     durability = "synced",                            // or "process"; else what the system says
///     restarts = 5, restart_window = "30s",             // how often it may panic, and within what time
///     timeouts(on_wake = "30s", action = "60s"),        // the limits of migrate, the hooks and action
///     crate = ::actor_core,
/// )]
/// struct ChatRoom { … }
/// ```
///
/// These are the defaults; all may be left out. An actor that panics more than `restarts` times within `restart_window` is not
/// started again for a while; with `restarts = 0` each panic does that.
///
/// The field marked `#[vars]` is in memory: it is made anew on every start, so it is lost when the actor sleeps. Only calls keep an
/// actor from being idle; a subscription to its events does not. So a list of those who are present, say, is lost `sleep_after` the last
/// call although all of them still listen. Until it must not be, write `sleep_after = "never"`, or hold the guard of
/// `background.keep_awake()` in a `#[run]` hook.
#[proc_macro_derive(Actor, attributes(actor, state, vars))]
pub fn derive_actor(input: TokenStream) -> TokenStream {
    pipeline::derive_actor(input.into()).into()
}

/// Makes a struct or an enum an event, which actors emit and others subscribe to.
///
/// ```text
/// #[derive(Clone, Event)]
/// #[event(of(ChatRoom, Lobby), name = "said")]       // both may be left out
/// struct Said { author: String, body: String }
/// ```
///
/// `of` names the actors that emit it: for another, `cx.emit` and `subscribe` do not compile. Without it every actor may.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    pipeline::derive_event(input.into()).into()
}

/// Holds the fields of a saved state against a lock, so that a change which its actors could not read does not compile.
///
/// ```text
/// #[derive(Serialize, Deserialize, StateShape)]
/// #[state_shape(version = 1, name = "Cart")]        // the defaults; both may be left out
/// struct Cart { items: Vec<String>, #[serde(default)] note: String }
/// ```
///
/// `shapes/Cart.lock`, beside the package's `Cargo.toml`, has what the saved states of each version have. It is written by
/// release builds, or by `ACTOR_LOCK=update cargo check`, like the lock of [migrations](macro@schema#the-lock). What serde reads all
/// the same may change: a field may be added with `#[serde(default)]` or as an `Option`, renamed with `#[serde(rename)]` or
/// `#[serde(alias)]`, or removed, and a variant may be added. Anything else needs a new version: `version = 2` here and in the
/// actor's `#[state(version = 2)]`, with a `#[migrate_state(from = 1)]`.
///
/// The types of the fields are compared as they are written. A type of your own in the state is looked into if it derives
/// this too. Two types of one name in a package need a `name` each.
#[proc_macro_derive(StateShape, attributes(state_shape, serde))]
pub fn derive_state_shape(input: TokenStream) -> TokenStream {
    match syn::parse(input) {
        Ok(input) => shape::expand(&input).into(),
        Err(error) => error.to_compile_error().into(),
    }
}

/// Reads the hooks and actions in an actor's `impl` block, and writes its preamble, its messages and its handle's methods.
///
/// # What it writes
///
/// The block stands as it was, without the attributes; behind it is an `impl Handlers` through which the runtime reaches
/// the methods, and the handle's methods. All logic is in `actor-core`; what is written only names and wires. For this
/// actor
///
/// ```text
#[doc = include_str!("../snapshots/small.rs")]
/// ```
///
/// the two macros write
///
/// ```text
#[doc = include_str!("../snapshots/small.expanded.rs")]
/// ```
///
/// <details><summary>An actor with migrations</summary>
///
/// ```text
#[doc = include_str!("../snapshots/with_migrations.rs")]
/// ```
///
/// ```text
#[doc = include_str!("../snapshots/with_migrations.expanded.rs")]
/// ```
///
/// </details>
/// <details><summary>An actor with every hook</summary>
///
/// ```text
#[doc = include_str!("../snapshots/with_everything.rs")]
/// ```
///
/// ```text
#[doc = include_str!("../snapshots/with_everything.expanded.rs")]
/// ```
///
/// </details>
#[proc_macro_attribute]
pub fn actor(options: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::actor_block(options.into(), &item.into(), here().as_deref()).into()
}

/// Writes Diesel's tables; `actor_core::schema!` calls it with the path of `actor_core` in front.
#[proc_macro]
pub fn schema(input: TokenStream) -> TokenStream {
    migrations::expand(input.into(), migrations::package_dir().as_deref()).into()
}

/// Checks a cron expression and a time zone; `actor_core::cron!` is the way to it.
#[cfg(feature = "cron")]
#[doc(hidden)]
#[proc_macro]
pub fn checked_cron(input: TokenStream) -> TokenStream {
    cron::expand(input.into()).into()
}

/// The file in which a macro is used, if it is one.
fn here() -> Option<std::path::PathBuf> {
    proc_macro::Span::call_site().local_file()
}

/// Writes the attribute macros that only say where their attribute belongs: in an `#[actor]` block they are read and
/// removed before the compiler looks for them.
macro_rules! only_in_actor_blocks {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// It belongs on a method in an `#[actor]` block.
        #[proc_macro_attribute]
        pub fn $name(_: TokenStream, item: TokenStream) -> TokenStream {
            pipeline::outside_block(stringify!($name), &item.into(), here().as_deref()).into()
        }
    )*};
}

only_in_actor_blocks! {
    /// Names the directory with the actor's migrations.
    migrate;
    /// Marks a step of a migration that is written in Rust.
    ///
    /// ```text
    /// actor_core::schema! { mod v2 = "migrations/chat_room" at "2026-01-02-000002"; }
    ///
    /// #[data_migration(after = "2026-01-02-000002")]
    /// fn fill_slugs(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
    ///     diesel::update(v2::rooms::table).set(v2::rooms::slug.eq("")).execute(cx.db())?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// It runs right after the `up.sql` of its version, when later migrations have not changed the tables yet. A table or column of
    /// `schema!` that it names must have the columns, types and key of that version; another one does not compile. For that the
    /// database cannot be passed to a function outside the step. `unchecked = true` leaves both checks out; raw SQL and a `table!`
    /// that is written by hand are never checked.
    data_migration;
    /// Marks a step that brings the saved state from one version to the next.
    ///
    /// ```text
    /// #[state(version = 2)] settings: State<Settings>,      // on the field; without it the version is 1
    ///
    /// #[migrate_state(from = 1)]                            // in the block; a plain function, without a context
    /// fn add_language(old: SettingsV1) -> Result<Settings> { … }
    /// ```
    ///
    /// There is a step from each version to the next; each is checked against its neighbours' types. An actor that was
    /// saved with an older version runs the steps that it lacks when it wakes, in one transaction with the migrations
    /// that are pending or, without any, with what the hooks of this start write. An actor without a `#[state]` field has
    /// version 0: a step from it takes `()`, and is needed only when such actors exist.
    migrate_state;
    /// Marks the hook that makes a new actor's state.
    create_state;
    /// Marks a hook that runs once, when the actor is created.
    on_create;
    /// Marks the hook that makes the vars on every start. They are lost when the actor sleeps, which a subscription to its events does
    /// not hold off.
    create_vars;
    /// Marks a hook that runs on every start.
    on_wake;
    /// Marks a hook that runs last on every start.
    on_before_start;
    /// Marks the hook that runs behind whatever changed the state, before that commits.
    ///
    /// ```text
    /// #[on_state_change]
    /// fn changed(&mut self, cx: &mut Context<'_, Self>, before: &Settings) -> Result<()> {
    ///     if self.settings.topic != before.topic {
    ///         cx.emit(TopicChanged { topic: self.settings.topic.clone() });
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// It runs once for each action, timer or message that was well and changed the state, as a part of its transaction: what it
    /// writes, emits and sends commits with it, and an error, a panic or the limit of the hook undoes all of it and is the
    /// caller's error. It runs so behind an `#[on_sleep]` too, and once for all `#[on_wake]` and `#[on_before_start]` hooks of a
    /// start. A new actor's state has not changed, nor has one that comes from an older version.
    ///
    /// The state has changed when it was borrowed mutably, be the value the same: compare it with `before` where that matters, or
    /// leave `before` out. What the hook itself changes is saved, and does not run it again.
    ///
    /// It cannot be `async`, because calls share transactions. An actor has one such hook; `timeout = …` is its only option (5
    /// seconds).
    on_state_change;
    /// Marks the hook that is told of what failed in the actor, once that is undone.
    ///
    /// ```text
    /// #[on_error]
    /// fn note(&mut self, cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
    ///     diesel::insert_into(errors::table)
    ///         .values((errors::name.eq(report.name), errors::text.eq(report.error.to_string())))
    ///         .execute(cx.db())?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// It is told of each action, timer and message that failed, panicked or ran out of time, also of those that nobody waits for, and
    /// of `#[run]`, `#[on_sleep]` and `#[on_destroy]` hooks. What it writes, emits and sends is a part of the next commit, apart from
    /// what was undone. The caller gets the error as it was, whatever becomes of the hook.
    ///
    /// Behind an error it runs at once. After a panic the actor starts again, and the new instance is told, before it takes a call;
    /// if it does not start, nobody is told but the log. An error of the hook itself, or a panic, undoes what it did, is logged, and
    /// is told to nobody.
    ///
    /// It is not told of a start that failed, because there is no actor then, of what the store failed to commit, nor of calls that did
    /// not run. It cannot be `async`, because calls share transactions. An actor has one such hook; `timeout = …` is its only option
    /// (5 seconds).
    on_error;
    /// Marks a background task that starts when the actor is ready.
    run;
    /// Marks a hook that runs before the actor sleeps.
    on_sleep;
    /// Marks a hook that runs before the actor is destroyed.
    on_destroy;
    /// Marks an action: a method that the handle offers to callers.
    ///
    /// The handle's method has the visibility of the `fn`. It cannot have the name of a method that each handle has, such as
    /// `destroy`, and takes 16 arguments at most.
    action;
    /// Marks a queue: messages that the actor keeps in its database until somebody has taken and acknowledged them.
    ///
    /// ```text
    /// #[queue(max = 100, visibility = "10s", tries = 3)]
    /// fn pictures(picture: Picture) -> Size {}              // no body; `-> Size` is what `send_and_wait` gives
    /// ```
    ///
    /// The handle has a method of this name, without arguments, that gives the `Queue`. `max` is how many messages it holds
    /// (1,000), `visibility` how long a message is its taker's (30 seconds), and `tries` how often it is handed out before it
    /// is a dead letter (10).
    queue;
}

/// Gives the text of the statements that make the framework's own tables, which the image of a new actor has already.
#[doc(hidden)]
#[proc_macro]
pub fn __internal_sql(_: TokenStream) -> TokenStream {
    let sql = migrations::INTERNAL_SQL;
    quote::quote!(#sql).into()
}
