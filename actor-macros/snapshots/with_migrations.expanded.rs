pub struct Log {}
/// A handle to [`Log`] actors: a key, and a method for each of their actions.
///
/// It is cheap to clone, does nothing until a call is awaited or sent, and goes on working when the actor sleeps, crashes or is created anew.
#[allow(deprecated, trivial_bounds)]
pub struct LogHandle
where
    Log: ::actor_core::__private::Handlers,
{
    actor: ::actor_core::__private::ActorRef<Log>,
}
#[allow(
    dead_code,
    deprecated,
    elided_lifetimes_in_paths,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_camel_case_types,
    private_bounds,
    private_interfaces,
    trivial_bounds,
    unreachable_code,
    unreachable_patterns,
    unreachable_pub,
    unused_qualifications,
    unused_results,
    unused_variables,
    variant_size_differences,
    clippy::all,
    clippy::nursery,
    clippy::pedantic,
)]
const _: () = {
    #[automatically_derived]
    impl ::actor_core::__private::Actor for Log {
        const NAME: &'static str = "log";
        const OPTIONS: ::actor_core::__private::Options = ::actor_core::__private::Options {
            timeouts: ::actor_core::__private::Timeouts {
                ..::actor_core::__private::Timeouts::DEFAULT
            },
            ..::actor_core::__private::Options::DEFAULT
        };
        type State = ();
        type Vars = ();
        const __STATE_VERSION: i32 = 0i32;
        fn __assemble(
            __actor_state: ::actor_core::__private::State<Self::State>,
            __actor_vars: Self::Vars,
        ) -> Self {
            Self {}
        }
        fn __state(
            &mut self,
        ) -> ::core::option::Option<&mut ::actor_core::__private::State<Self::State>> {
            ::core::option::Option::None
        }
    }
    #[automatically_derived]
    impl ::core::clone::Clone for LogHandle
    where
        Log: ::actor_core::__private::Handlers,
    {
        fn clone(&self) -> Self {
            Self {
                actor: ::core::clone::Clone::clone(&self.actor),
            }
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for LogHandle
    where
        Log: ::actor_core::__private::Handlers,
    {
        fn fmt(
            &self,
            __actor_formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            ::core::fmt::Debug::fmt(&self.actor, __actor_formatter)
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<::actor_core::__private::ActorRef<Log>> for LogHandle
    where
        Log: ::actor_core::__private::Handlers,
    {
        fn from(__actor_actor: ::actor_core::__private::ActorRef<Log>) -> Self {
            Self { actor: __actor_actor }
        }
    }
    #[automatically_derived]
    impl ::core::ops::Deref for LogHandle
    where
        Log: ::actor_core::__private::Handlers,
    {
        type Target = ::actor_core::__private::ActorRef<Log>;
        fn deref(&self) -> &Self::Target {
            &self.actor
        }
    }
};
impl Log {
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    fn migrate() {}
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    fn count(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(messages::table.count().get_result(cx.db())?)
    }
}
#[allow(
    dead_code,
    deprecated,
    elided_lifetimes_in_paths,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_camel_case_types,
    private_bounds,
    private_interfaces,
    trivial_bounds,
    unreachable_code,
    unreachable_patterns,
    unreachable_pub,
    unused_qualifications,
    unused_results,
    unused_variables,
    variant_size_differences,
    clippy::all,
    clippy::nursery,
    clippy::pedantic,
)]
const _: () = {
    #[doc(hidden)]
    pub struct __ActorMessage(__ActorAction);
    enum __ActorAction {
        count(),
    }
    #[doc(hidden)]
    pub enum __ActorReply {
        count(<Result<i64> as ::actor_core::__private::Outcome>::Value),
    }
    #[automatically_derived]
    impl ::actor_core::__private::Handlers for Log
    where
        Log: ::actor_core::__private::Actor,
    {
        type Handle = LogHandle;
        type Input = ();
        type Message = __ActorMessage;
        type Reply = __ActorReply;
        const MIGRATIONS: ::actor_core::__private::Migrations = {
            let _: fn() = Self::migrate;
            const _: &[u8] = ::core::include_bytes!(
                "/package/snapshots/migrations/2026-11-22-000001_messages/down.sql"
            );
            const _: &[u8] = ::core::include_bytes!(
                "/package/snapshots/migrations/2026-11-22-000001_messages/up.sql"
            );
            const _: &[u8] = ::core::include_bytes!(
                "/package/snapshots/migrations/2026-11-22-000002_slugs/up.sql"
            );
            const _: &[u8] = ::core::include_bytes!(
                "/package/snapshots/migrations.lock"
            );
            const _: ::core::option::Option<&str> = ::core::option_env!("ACTOR_LOCK");
            ::actor_core::__private::Migrations::new(
                "snapshots/migrations",
                const {
                    &[
                        ::actor_core::__private::Migration::new(
                                "20261122000001",
                                "2026-11-22-000001_messages",
                                "CREATE TABLE messages (\n  id INTEGER PRIMARY KEY NOT NULL,\n  author TEXT NOT NULL,\n  body TEXT NOT NULL\n);\n",
                                ::core::option::Option::Some("DROP TABLE messages;\n"),
                                [
                                    239, 162, 143, 154, 18, 249, 147, 188, 120, 122, 22, 158,
                                    80, 209, 161, 216, 230, 191, 118, 227, 11, 95, 141, 204, 84,
                                    123, 156, 73, 101, 254, 117, 249,
                                ],
                            )
                            .locked_as(
                                "e3a66fdbbd69bbd3ad059eaf9dd6da031611bc15604cbcb5eb7f238810d47b87",
                            ),
                        ::actor_core::__private::Migration::new(
                            "20261122000002",
                            "2026-11-22-000002_slugs",
                            "ALTER TABLE messages ADD COLUMN slug TEXT;\n",
                            ::core::option::Option::None,
                            [
                                0, 217, 247, 223, 29, 30, 249, 215, 226, 79, 222, 43, 246,
                                65, 227, 181, 183, 43, 248, 16, 143, 189, 78, 150, 62, 247,
                                3, 41, 137, 140, 3, 137,
                            ],
                        ),
                    ]
                },
                ::core::option::Option::Some(b"... 13312 bytes ..."),
                (
                    "/package/snapshots/migrations",
                    &["2026-11-22-000001_messages", "2026-11-22-000002_slugs"],
                ),
            )
        };
        const HOOKS: ::actor_core::__private::Hooks = ::actor_core::__private::Hooks {
            data_migrations: &[],
            create_state: ::core::option::Option::None,
            on_create: &[],
            create_vars: ::core::option::Option::None,
            on_wake: &[],
            on_before_start: &[],
            on_state_change: ::core::option::Option::None,
            on_error: ::core::option::Option::None,
            run: &[],
            on_sleep: &[],
            on_destroy: &[],
            queues: &[],
            actions: &[
                ::actor_core::__private::ActionInfo {
                    id: 0u32,
                    name: "count",
                    read_only: true,
                    is_async: false,
                    timeout: ::core::option::Option::None,
                    durability: ::core::option::Option::None,
                },
            ],
        };
        fn __action(
            __actor_message: &Self::Message,
        ) -> &'static ::actor_core::__private::ActionInfo {
            let __ActorMessage(__actor_inner) = __actor_message;
            match *__actor_inner {
                __ActorAction::count(..) => {
                    const {
                        &::actor_core::__private::ActionInfo {
                            id: 0u32,
                            name: "count",
                            read_only: true,
                            is_async: false,
                            timeout: ::core::option::Option::None,
                            durability: ::core::option::Option::None,
                        }
                    }
                }
            }
        }
        fn __same_state(
            __actor_input: &<Self as ::actor_core::__private::Actor>::State,
            __actor_read: &<Self as ::actor_core::__private::Actor>::State,
        ) -> bool {
            #[allow(unused_imports)]
            use ::actor_core::__private::EqualByTrace as _;
            #[allow(unused_imports)]
            use ::actor_core::__private::EqualByValue as _;
            #[allow(unused_imports)]
            use ::actor_core::__private::NotStored as _;
            (&::actor_core::__private::Same(__actor_input, __actor_read)).same()
        }
        fn __encode_input(
            __actor_input: &Self::Input,
        ) -> ::core::result::Result<
            ::std::string::String,
            ::actor_core::__private::StoredFault,
        > {
            #[allow(unused_imports)]
            use ::actor_core::__private::EqualByTrace as _;
            #[allow(unused_imports)]
            use ::actor_core::__private::EqualByValue as _;
            #[allow(unused_imports)]
            use ::actor_core::__private::NotStored as _;
            ::actor_core::__private::Stored::<
                Self::Input,
            >::encode(
                __actor_input,
                &[],
                |__actor_read: &Self::Input| {
                    (&::actor_core::__private::Same(__actor_input, __actor_read)).same()
                },
            )
        }
        fn __decode_input(
            __actor_json: &str,
        ) -> ::core::result::Result<Self::Input, ::actor_core::__private::StoredFault> {
            #[allow(unused_imports)]
            use ::actor_core::__private::NotStored as _;
            ::actor_core::__private::Stored::<Self::Input>::decode(__actor_json, &[])
        }
        fn __encode(
            __actor_message: &Self::Message,
        ) -> ::core::result::Result<
            ::std::string::String,
            ::actor_core::__private::StoredFault,
        > {
            #[allow(unused_imports)]
            use ::actor_core::__private::EqualByTrace as _;
            #[allow(unused_imports)]
            use ::actor_core::__private::EqualByValue as _;
            #[allow(unused_imports)]
            use ::actor_core::__private::NotStored as _;
            let __ActorMessage(__actor_inner) = __actor_message;
            match *__actor_inner {
                __ActorAction::count() => {
                    ::actor_core::__private::Stored::<
                        (),
                    >::encode(&(), &[], |__actor_read: &()| true)
                }
            }
        }
        fn __decode(
            __actor_action: &str,
            __actor_json: &str,
        ) -> ::core::result::Result<
            Self::Message,
            ::actor_core::__private::StoredFault,
        > {
            #[allow(unused_imports)]
            use ::actor_core::__private::NotStored as _;
            match __actor_action {
                "count" => {
                    ::core::result::Result::map(
                        ::actor_core::__private::Stored::<()>::decode(__actor_json, &[]),
                        |__actor_arguments| __ActorMessage(__ActorAction::count()),
                    )
                }
                _ => {
                    ::core::result::Result::Err(
                        ::actor_core::__private::StoredFault::NoSuchAction,
                    )
                }
            }
        }
        async fn __data_migration(
            __actor_id: u32,
            __actor_cx: &mut ::actor_core::__private::Context<
                '_,
                Self,
                ::actor_core::__private::Migrating,
            >,
        ) -> ::core::result::Result<(), ::actor_core::__private::Failure> {
            match __actor_id {
                _ => {
                    ::core::unreachable!(
                        "no hook of this step has the id {}", __actor_id
                    )
                }
            }
        }
        fn __migrate_state(
            __actor_version: i32,
            __actor_json: &str,
        ) -> ::core::result::Result<
            <Self as ::actor_core::__private::Actor>::State,
            ::actor_core::__private::StateFault,
        > {
            let __actor_reached = ::actor_core::__private::StateSteps::<
                <Self as ::actor_core::__private::Actor>::State,
            >::begin(__actor_version, __actor_json);
            ::actor_core::__private::StateSteps::finish::<
                <Self as ::actor_core::__private::Actor>::State,
            >(__actor_reached)
        }
        async fn __create_state(
            __actor_cx: &mut ::actor_core::__private::Context<
                '_,
                Self,
                ::actor_core::__private::Migrated,
            >,
            __actor_input: Self::Input,
        ) -> ::core::result::Result<
            <Self as ::actor_core::__private::Actor>::State,
            ::actor_core::__private::Failure,
        > {
            ::core::result::Result::Ok(
                ::actor_core::__private::or_default::<
                    <Self as ::actor_core::__private::Actor>::State,
                >(),
            )
        }
        async fn __on_create(
            __actor_id: u32,
            __actor_cx: &mut ::actor_core::__private::Context<
                '_,
                Self,
                ::actor_core::__private::Stateful,
            >,
        ) -> ::core::result::Result<(), ::actor_core::__private::Failure> {
            match __actor_id {
                _ => {
                    ::core::unreachable!(
                        "no hook of this step has the id {}", __actor_id
                    )
                }
            }
        }
        async fn __create_vars(
            __actor_cx: &mut ::actor_core::__private::Context<
                '_,
                Self,
                ::actor_core::__private::Stateful,
            >,
        ) -> ::core::result::Result<
            <Self as ::actor_core::__private::Actor>::Vars,
            ::actor_core::__private::Failure,
        > {
            ::core::result::Result::Ok(
                ::actor_core::__private::or_default::<
                    <Self as ::actor_core::__private::Actor>::Vars,
                >(),
            )
        }
        async fn __hook(
            &mut self,
            _: ::actor_core::__private::Step,
            __actor_id: u32,
            __actor_cx: &mut ::actor_core::__private::Context<'_, Self>,
        ) -> ::core::result::Result<(), ::actor_core::__private::Failure> {
            match __actor_id {
                _ => {
                    ::core::unreachable!(
                        "no hook of this step has the id {}", __actor_id
                    )
                }
            }
        }
        async fn __run(
            __actor_id: u32,
            __actor_background: ::actor_core::__private::Background<Self>,
        ) -> ::core::result::Result<(), ::actor_core::__private::Failure> {
            match __actor_id {
                _ => {
                    ::core::unreachable!(
                        "no hook of this step has the id {}", __actor_id
                    )
                }
            }
        }
        fn __act(
            &mut self,
            __actor_message: Self::Message,
            __actor_cx: &mut ::actor_core::__private::Context<'_, Self>,
        ) -> ::core::result::Result<Self::Reply, ::actor_core::__private::Failure> {
            let __ActorMessage(__actor_inner) = __actor_message;
            match __actor_inner {
                __ActorAction::count() => {
                    ::core::result::Result::map(
                        ::actor_core::__private::outcome(
                            Self::count(
                                self,
                                &mut ::actor_core::__private::Context::stage(__actor_cx),
                            ),
                        ),
                        __ActorReply::count,
                    )
                }
            }
        }
        async fn __dispatch(
            &mut self,
            __actor_message: Self::Message,
            __actor_cx: &mut ::actor_core::__private::Context<'_, Self>,
        ) -> ::core::result::Result<Self::Reply, ::actor_core::__private::Failure> {
            let __ActorMessage(__actor_inner) = __actor_message;
            match __actor_inner {
                _ => ::core::unreachable!("the runtime knows which actions may wait"),
            }
        }
    }
    #[automatically_derived]
    impl LogHandle {
        /// Calls the action `count` of a [`Log`].
        fn count(
            &self,
        ) -> ::actor_core::__private::Call<
            '_,
            Log,
            <Result<i64> as ::actor_core::__private::Outcome>::Value,
            (),
        > {
            ::actor_core::__private::Call::__new(
                ::core::ops::Deref::deref(self),
                __ActorMessage(__ActorAction::count()),
                |__actor_reply| match __actor_reply {
                    __ActorReply::count(__actor_value) => {
                        ::core::option::Option::Some(__actor_value)
                    }
                    _ => ::core::option::Option::None,
                },
            )
        }
    }
};
