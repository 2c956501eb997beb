//! Every message of the macros, by theme.
//!
//! A message has two lines: what is wrong, and what to do. Its theme and name are also the path of the case in
//! `ui-tests/fail` that shows it; a test holds the two together.

use std::fmt::Display;

use super::Message;

/// Writes one module for each theme, with one constructor for each message.
macro_rules! catalogue {
    ($(
        $(#[$theme_doc:meta])*
        $theme:ident {$(
            $(#[$doc:meta])*
            $name:ident($($argument:ident),*) => $wrong:literal, $help:literal;
        )*}
    )*) => {
        $(
            $(#[$theme_doc])*
            pub(crate) mod $theme {
                use super::{Display, Message};

                $(
                    $(#[$doc])*
                    pub(crate) fn $name($($argument: impl Display),*) -> Message {
                        Message::new(&format!($wrong), &format!($help))
                    }
                )*
            }
        )*

        /// Every message: theme, name, and its two lines before they are filled in.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str, &str, &str)] = &[
            $($((stringify!($theme), stringify!($name), $wrong, $help),)*)*
        ];
    };
}

catalogue! {
    /// Attributes that stand in the wrong place, or more than once.
    attribute {
        /// `#[actor]` on a function, a module, …
        actor_not_on_impl() => "`#[actor]` belongs on an `impl` block",
            "write `#[actor] impl Name {{ … }}`, with the hooks and actions of the actor in the block";
        /// `#[actor]` above the derive of a struct, or without it.
        actor_on_struct(name) => "`#[actor]` on the struct `{name}` does not follow `#[derive(Actor)]`",
            "write `#[derive(Actor)]` first and the options, such as `#[actor(sleep_after = \"30s\")]`, below it";
        /// `#[actor] impl Trait for Name`.
        trait_impl(name) => "`#[actor]` cannot be on the impl of a trait",
            "put the hooks and actions in a block of their own, `#[actor] impl {name} {{ … }}`";
        /// A second `#[actor]` on the same block.
        actor_twice() => "`#[actor]` is given twice",
            "remove one; a block has one `#[actor]`, and an actor has one such block";
        /// A block for something that cannot be an actor.
        not_a_struct() => "an actor is a struct, which this is not",
            "write `impl Name {{ … }}` with the name of the struct that has `#[derive(Actor)]`";
        /// A block whose struct has no derive.
        no_derive(name) => "`{name}` is not an actor: its struct has no `#[derive(Actor)]`",
            "add `#[derive(Actor)]` to the struct `{name}`";
        /// A hook attribute anywhere else.
        outside_block(hook) => "`#[{hook}]` belongs on a method in an `#[actor]` block",
            "add `#[actor]` to the `impl` block of the actor";
        /// A hook attribute on a constant or a type in the block.
        not_on_method(hook) => "`#[{hook}]` belongs on a method",
            "put it on an `fn` of this block, or remove it";
        /// A misspelt hook attribute.
        unknown_hook(written, nearest) => "unknown hook `#[{written}]`",
            "did you mean `#[{nearest}]`?";
        /// The same hook attribute twice on one method.
        hook_twice(hook, name) => "`#[{hook}]` is given twice on `{name}`",
            "remove one; a hook has one attribute, with all its options";
        /// Two different hook attributes on one method.
        two_hooks(name, first, second) => "`{name}` cannot be `#[{second}]` too: it is `#[{first}]` already",
            "write a method for each of them, and have both call what they share";
        /// A second hook of a kind of which there is one.
        only_one(hook, first) => "there can be one `#[{hook}]` only, and `{first}` is one already",
            "join the two methods";
    }

    /// Names of methods.
    name {
        /// An action or queue with the name of a method that each handle has.
        taken(name, taken) => "`{name}` cannot be the name of an action or a queue: it would hide the handle's own `{name}`",
            "give it another name, one that says what it does in this actor; the handle keeps {taken}";
        /// An action or queue with a name that is kept for generated code.
        reserved(name) => "`{name}` cannot be the name of an action or a queue: names that begin with `__` are kept for generated code",
            "give it another name";
        /// Two methods of one name.
        twice(name) => "`{name}` is there twice in this block",
            "give one of the two methods another name";
    }

    /// Options of attributes.
    option {
        /// A key that no attribute has.
        unknown(key, help) => "unknown option `{key}`",
            "{help}";
        /// A key that another attribute has.
        not_here(key, place, reason) => "`{key}` is not allowed on `{place}`",
            "remove it; {reason}";
        /// A key for the second time.
        twice(key, help) => "`{key}` is given twice",
            "{help}";
        /// A value of the wrong kind.
        wrong_value(key, wanted, example) => "`{key}` takes {wanted}",
            "write `{example}`";
        /// A key without a value.
        missing_value(key, example) => "`{key}` has no value",
            "write `{example}`";
        /// Something that is not a key with a value.
        not_an_option(place, allowed) => "this is not an option of `{place}`",
            "options are written `key = value`; `{place}` takes {allowed}";
        /// A text that is not a duration.
        duration_form(text) => "`{text}` is not a duration",
            "write numbers and units, the largest unit first, such as \"250ms\", \"30s\", \"5m\" or \"1h30m\"";
        /// No time at all.
        duration_zero(key, reason) => "`{key}` cannot be zero",
            "{reason}";
        /// More than a hundred years.
        duration_too_long(key) => "`{key}` is longer than a hundred years",
            "write at most \"876000h\"";
    }

    /// Migrations, as far as attributes and methods go.
    migrate {
        /// `#[migrate]` without a directory.
        no_directory() => "`#[migrate]` does not say where the migrations are",
            "name their directory, relative to the package: `#[migrate(\"migrations/chat_room\")]`";
        /// Statements in the `#[migrate]` function.
        body(name) => "the body of `{name}` must be empty: migrations are SQL files",
            "write `fn {name}() {{}}`, and what must be done in Rust in a `#[data_migration(after = \"version\")]`";
        /// Parameters, a return type, or `async`.
        shape(name) => "a `#[migrate]` function takes nothing and returns nothing",
            "write `fn {name}() {{}}`; it only carries the attribute";
        /// A data migration in a block without `#[migrate]`.
        data_without_migrate(name) => "`{name}` is a step of a migration, but the block has no `#[migrate]`",
            "add `#[migrate(\"directory\")] fn migrate() {{}}`";
        /// A data migration that does not name its version.
        data_without_after(name) => "`{name}` does not say which version it follows",
            "write `#[data_migration(after = \"version\")]`; it runs right after the `up.sql` of that version";
        /// The database of a data migration in the hands of another function.
        database_leaves(name, callee) => "`{callee}` works on the database as it is in `{name}`, and nobody checks which tables it means",
            "write what it does here, or in a function inside of `{name}`; `unchecked = true` leaves the checks out";
        /// A data migration for a version that is not there.
        unknown_version(version, directory, help) => "there is no version `{version}` in `{directory}`",
            "{help}";
    }

    /// Queues.
    queue {
        /// No message, a second parameter, a `self`, or `async`.
        shape(name) => "`{name}` does not take the one parameter of a queue",
            "write `fn {name}(message: Message) {{}}`, with `-> Reply` if whoever sends waits for one";
        /// Statements in the `#[queue]` function.
        body(name) => "the body of `{name}` must be empty: a queue only holds messages",
            "write `fn {name}(message: Message) {{}}`, and take the messages in a `#[run]` hook with `background.next(…)`";
        /// A reference, a lifetime or `impl Trait`.
        borrows(name) => "the messages and replies of `{name}` are kept on disk, so they are owned and their types have names",
            "take an owned value";
    }

    /// The versions of the state, and the steps between them.
    state {
        /// A version that is no version.
        version_range(number, least, most) => "`{number}` cannot be a version of the state",
            "count the versions from {least}, one up for each change of the type; there are at most {most}";
        /// A step that does not say where it begins.
        step_without_from(name) => "`{name}` does not say from which version of the state it leads",
            "write `#[migrate_state(from = 1)]`; it leads to the next version";
        /// A second step from the same version.
        step_twice(number, first) => "there can be one step from version {number} of the state only, and `{first}` is one already",
            "remove one, or correct its `from`";
        /// A context, a second value, or nothing at all.
        step_parameters(name) => "`{name}` does not take the one parameter of a step of the state",
            "write `fn {name}(old: OldState) -> Result<NewState>`; what needs the database belongs in a `#[data_migration]`";
        /// The old state by reference.
        step_borrows(name) => "`{name}` cannot borrow the old state: nobody else needs it any more",
            "take it by value";
        /// An `async fn`.
        step_async(name) => "`{name}` cannot be async: a step of the state has nothing to wait for",
            "remove `async`; what needs the database or the rest of the world belongs in `#[on_wake]`";
    }

    /// The struct with `#[derive(Actor)]`.
    derive {
        /// An enum or a union.
        not_a_struct(name) => "`{name}` cannot be an actor: an actor is a struct",
            "write `struct {name} {{ … }}` with a `#[state]` and a `#[vars]` field, or `struct {name};`";
        /// A tuple struct.
        tuple_struct(name) => "the fields of the actor `{name}` have no names",
            "write `struct {name} {{ #[state] name: State<T> }}`";
        /// A lifetime parameter.
        lifetime(lifetime) => "an actor cannot borrow for `{lifetime}`: it lives longer than any caller",
            "remove the lifetime, and own what the actor needs";
        /// A field that is neither state nor vars.
        unmarked_field(field) => "the field `{field}` is neither `#[state]` nor `#[vars]`",
            "mark it `#[state]` if it must be saved and `#[vars]` if not, or move it into the type of the marked field";
        /// A second `#[state]` or `#[vars]` field.
        two_fields(mark, first) => "there can be one `#[{mark}]` field only, and `{first}` is one already",
            "put both in one struct, and mark the field of that type";
        /// A field that is both.
        both_marks(field) => "the field `{field}` cannot be `#[state]` and `#[vars]` at once",
            "keep `#[state]` if it must be saved, `#[vars]` if not";
        /// A mark for the second time.
        mark_twice(mark) => "`#[{mark}]` is given twice",
            "remove one";
        /// A mark with something in parentheses.
        mark_options(mark) => "`#[{mark}]` takes no options",
            "write `#[{mark}]`";
        /// A state field of another type.
        state_type(field, written) => "a `#[state]` field has the type `State<T>`, not `{written}`",
            "write `{field}: State<{written}>`; it notes changes, so that they are saved with the SQL";
        /// A name that cannot be a directory everywhere.
        name_characters(name) => "`{name}` cannot be the name of an actor",
            "it is 1 to 64 of `a-z`, `0-9`, `-` and `_`, and begins with a letter";
        /// A struct whose name gives no actor name.
        default_name(name) => "the struct `{name}` gives its actors no name that works as a directory",
            "write one: `#[actor(name = \"chat-room\")]`, 1 to 64 of `a-z`, `0-9`, `-` and `_`, first a letter";
        /// A mailbox out of bounds.
        mailbox_range(number) => "a mailbox cannot hold {number} calls",
            "write a number from 1 to 1_000_000";
        /// A budget out of bounds.
        restarts_range(number) => "an actor cannot be started again {number} times",
            "write a number from 0 to 1_000: the panics within one `restart_window` after which it is started again";
    }

    /// The signatures of hooks and actions.
    signature {
        /// Type parameters or lifetimes.
        generic(name) => "`{name}` cannot be generic: the runtime calls it, and knows no types to choose",
            "remove the parameters in `<…>` and name the types; the `impl` block may be generic";
        /// `unsafe fn`.
        unsafe_fn(name) => "`{name}` cannot be unsafe: nobody could promise what it needs",
            "remove `unsafe` here and write an `unsafe` block inside";
        /// A `self` before the actor is put together.
        self_too_early(name, step) => "`{name}` has no `self`: the actor does not exist yet in `{step}`",
            "remove `self`; the context offers what exists, and `self` comes with `on_wake`";
        /// A `self` in a background task.
        self_in_run(name) => "`{name}` has no `self`: a background task runs beside the actor",
            "remove `self`, and call the actor's actions through `background`";
        /// No `self` where there is one.
        missing_self(name) => "`{name}` does not take `self`",
            "begin the parameters with `&mut self`, or with `&self` if it only reads";
        /// `self`, `mut self`, `self: Box<Self>`, …
        self_by_value(name) => "`{name}` cannot take its `self` like this: the actor goes on living",
            "write `&mut self`, or `&self` if it only reads";
        /// No context.
        missing_context(name, wanted) => "`{name}` does not take the context",
            "add `{wanted}` as the first parameter after any `self`";
        /// `Context<…>` or `&Context<…>`.
        context_not_mut(wanted) => "the context is borrowed mutably",
            "write `{wanted}`";
        /// A context after other parameters.
        context_not_first(name) => "the context of `{name}` is not its first parameter",
            "move it to the front, after any `self`";
        /// A stage that is reached later.
        stage_too_late(hook, asked, missing, wanted) => "`{hook}` cannot have a `{asked}` context: {missing}",
            "write `{wanted}`, the context of this step";
        /// `Context<'_, Self>` where there is no actor yet.
        stage_not_named(hook, wanted) => "`{hook}` cannot have the context of a running actor: it does not run yet",
            "write `&mut Context<'_, Self, {wanted}>`, the context of this step";
        /// `Stateful` where the state is in `self`.
        stage_with_self(hook) => "`{hook}` cannot have a `Stateful` context: the state is in `self` by now",
            "write `&mut Context<'_, Self>` and use the `#[state]` field of `self`";
        /// Parameters after the context.
        too_many_parameters(name, hook) => "`{name}` takes too much: nobody passes anything else to `{hook}`",
            "remove what follows the context; only actions and `create_state` have arguments";
        /// An `Rc` in an argument or a reply.
        bound_to_thread(name) => "`{name}` passes an `Rc`, which cannot go from one thread to another",
            "write `Arc`, or pass the value itself";
        /// More arguments than can be saved.
        too_many_arguments(name, count, most) => "`{name}` takes {count} arguments, and an action takes {most} at most",
            "put some of them in one struct";
        /// More than one input.
        two_inputs(name) => "`{name}` takes more than one input",
            "put them in one struct, which callers pass to `create`";
        /// A background task with other parameters.
        run_parameters(name) => "`{name}` does not take the one parameter of a background task",
            "write `async fn {name}(background: Background<Self>) -> Result<()>`";
        /// A background task that cannot wait.
        run_not_async(name) => "`{name}` is not async: a background task would hold up its thread",
            "write `async fn {name}`";
        /// An `async` hook whose transaction is not its own.
        hook_waits(name, hook) => "`{name}` cannot be async: calls share the transaction of an `#[{hook}]`, and would wait for it",
            "remove `async`; what waits belongs in a `#[run]` hook, and what must arrive elsewhere in a `cx.send`";
        /// Something else than the state before the change.
        state_change_parameters(name) => "`{name}` takes something else than the state before the change",
            "write `fn {name}(&mut self, cx: &mut Context<'_, Self>, before: &T) -> Result<()>` with the `T` of `State<T>`, or leave `before` out";
        /// No report, or something else.
        error_parameters(name) => "`{name}` does not take the one parameter of `#[on_error]`",
            "write `fn {name}(&mut self, cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()>`";
        /// No return type.
        no_result(name) => "`{name}` returns nothing, so it could not fail",
            "write `-> Result<()>`, and end with `Ok(())`";
        /// A return type that is plainly something else.
        not_a_result(name, written) => "`{name}` returns `{written}`, so it could not fail",
            "write `-> Result<{written}>`, and end with `Ok(…)`; the name of an alias ends with `Result`";
        /// A reference in an argument.
        borrowed_argument(name, help) => "the arguments of `{name}` cannot borrow: they wait in the mailbox",
            "{help}";
        /// `impl Trait` in an argument.
        impl_argument(name) => "the arguments of `{name}` cannot be `impl Trait`: they are fields of a message",
            "name the type; the handle takes `impl Into<String>` for a `String` by itself";
        /// A pattern in place of a name.
        argument_pattern(name) => "the arguments of `{name}` need plain names",
            "write a name here, and take the value apart in the body";
        /// An attribute on an argument.
        argument_attribute(name) => "the arguments of `{name}` cannot have attributes",
            "remove it, or put `cfg` on the whole method";
        /// A reference in what is returned.
        borrowed_reply(name) => "`{name}` cannot return what it borrows: the reply leaves the actor",
            "return an owned value";
        /// `impl Trait` in what is returned.
        impl_reply(name) => "`{name}` cannot return `impl Trait`: the reply is a field of a message",
            "name the type";
    }

    /// `before = …` and `after = …`.
    order {
        /// A hook that names `migrate` as what it runs before.
        before_migrate(name, mark) => "`{name}` cannot run before `#[migrate]`: its tables do not exist yet",
            "remove `before = {mark}`; the order is migrate, create_state, on_create, create_vars, on_wake";
        /// A hook that runs before one that runs before `migrate`.
        before_migrate_through(name, path) => "`{name}` cannot run before `#[migrate]`, as it would through {path}: its tables do not exist yet",
            "remove one of these marks; the order is migrate, create_state, on_create, create_vars, on_wake";
        /// Any other order that is not the preamble's.
        against_table(first, first_step, second, second_step) => "`{first}` ({first_step}) cannot run before `{second}` ({second_step})",
            "remove this mark, which can only order hooks of one step; {second_step} runs before {first_step}";
        /// Hooks that wait for each other.
        cycle(path) => "these hooks wait for each other: {path}",
            "remove one of their `before` and `after`";
        /// A hook that names itself.
        itself(name) => "`{name}` cannot run before or after itself",
            "name another hook, or remove this";
        /// A hook that names its own step.
        own_step(name, step) => "`{name}` is in the step `{step}` itself",
            "name another hook of the step; without marks they run in source order";
        /// A name that is no hook of the block.
        unknown_name(name, help) => "there is no hook or step `{name}`",
            "{help}";
        /// The name of an action.
        names_action(name) => "`{name}` is an action, which runs when it is called",
            "name a hook of this block or a step of the preamble";
    }

    /// The database connection.
    held {
        /// A connection that is used on both sides of an `.await`.
        db_across_await(name) => "`{name}` is held across this `.await`",
            "call `cx.db()` again after it; the connection serves other actors while this one waits";
    }
}
