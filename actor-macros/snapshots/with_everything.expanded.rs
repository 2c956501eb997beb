pub struct ChatRoom {
    settings: State<Settings>,
    typing: HashSet<String>,
}
/// A handle to [`ChatRoom`] actors: a key, and a method for each of their actions.
///
/// It is cheap to clone, does nothing until a call is awaited or sent, and goes on working when the actor sleeps, crashes or is created anew.
#[allow(deprecated, trivial_bounds)]
pub struct ChatRoomHandle
where
    ChatRoom: ::actor_core::__private::Handlers,
{
    actor: ::actor_core::__private::ActorRef<ChatRoom>,
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
    impl ::actor_core::__private::Actor for ChatRoom {
        const NAME: &'static str = "chat-room";
        const OPTIONS: ::actor_core::__private::Options = ::actor_core::__private::Options {
            sleep_after: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(30000u64),
            ),
            mailbox: 256,
            restarts: 3,
            restart_window: ::core::time::Duration::from_millis(60000u64),
            timeouts: ::actor_core::__private::Timeouts {
                action: ::core::time::Duration::from_millis(5000u64),
                ..::actor_core::__private::Timeouts::DEFAULT
            },
            ..::actor_core::__private::Options::DEFAULT
        };
        type State = Settings;
        type Vars = HashSet<String>;
        const __STATE_VERSION: i32 = 2i32;
        fn __assemble(
            __actor_state: ::actor_core::__private::State<Self::State>,
            __actor_vars: Self::Vars,
        ) -> Self {
            Self {
                settings: __actor_state,
                typing: __actor_vars,
            }
        }
        fn __state(
            &mut self,
        ) -> ::core::option::Option<&mut ::actor_core::__private::State<Self::State>> {
            ::core::option::Option::Some(&mut self.settings)
        }
    }
    #[automatically_derived]
    impl ::actor_core::__private::HasState for ChatRoom {}
    #[automatically_derived]
    impl ::actor_core::__private::OlderState<0i32> for ChatRoom {}
    #[automatically_derived]
    impl ::actor_core::__private::OlderState<1i32> for ChatRoom {}
    const _: () = {
        fn __actor_check()
        where
            ChatRoom: ::actor_core::__private::StateStep<1i32>,
        {}
    };
    const _: () = {
        #[allow(unused_imports, reason = "a type with a shape does not need it")]
        use ::actor_core::__private::Unshaped as _;
        ::actor_core::__private::assert_shape(
            <::actor_core::__private::Shaped<Settings>>::VERSION,
            2i32,
        )
    };
    #[automatically_derived]
    impl ::core::clone::Clone for ChatRoomHandle
    where
        ChatRoom: ::actor_core::__private::Handlers,
    {
        fn clone(&self) -> Self {
            Self {
                actor: ::core::clone::Clone::clone(&self.actor),
            }
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for ChatRoomHandle
    where
        ChatRoom: ::actor_core::__private::Handlers,
    {
        fn fmt(
            &self,
            __actor_formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            ::core::fmt::Debug::fmt(&self.actor, __actor_formatter)
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<::actor_core::__private::ActorRef<ChatRoom>>
    for ChatRoomHandle
    where
        ChatRoom: ::actor_core::__private::Handlers,
    {
        fn from(__actor_actor: ::actor_core::__private::ActorRef<ChatRoom>) -> Self {
            Self { actor: __actor_actor }
        }
    }
    #[automatically_derived]
    impl ::core::ops::Deref for ChatRoomHandle
    where
        ChatRoom: ::actor_core::__private::Handlers,
    {
        type Target = ::actor_core::__private::ActorRef<ChatRoom>;
        fn deref(&self) -> &Self::Target {
            &self.actor
        }
    }
};
impl ChatRoom {
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
    fn fill_slugs(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        #[allow(
            dead_code,
            deprecated,
            non_camel_case_types,
            unused_imports,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
        )]
        fn __actor_tables() {
            use ::actor_core::__private::NotInSchema as _;
            struct after_20261122000002;
            #[diagnostic::do_not_recommend]
            impl ::actor_core::__private::Sees<
                ::actor_core::__private::Shape<16063890239876687886u64>,
            > for after_20261122000002 {}
            ::actor_core::__private::Probe(&messages::table)
                .seen_by::<after_20261122000002>();
        }
        diesel::update(messages::table).set(messages::slug.eq("")).execute(cx.db())?;
        Ok(())
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    fn add_language(old: Topic) -> Result<Settings> {
        Ok(Settings::of(old))
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    fn create_state(
        _cx: &mut Context<'_, Self, Migrated>,
        input: NewRoom,
    ) -> Result<Settings> {
        Ok(input.into())
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    async fn welcome(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        announce(cx.state()).await
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    fn create_vars(_cx: &mut Context<'_, Self, Stateful>) -> Result<HashSet<String>> {
        Ok(HashSet::new())
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    async fn audit(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        audit::all(cx.db())
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    async fn warm(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cache::warm(cx.key()).await
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    fn check(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    #[allow(clippy::ptr_arg, clippy::trivially_copy_pass_by_ref)]
    fn changed(&mut self, cx: &mut Context<'_, Self>, before: &Settings) -> Result<()> {
        topics::compare(before, &self.settings, cx)
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    #[allow(clippy::ptr_arg, clippy::trivially_copy_pass_by_ref)]
    fn note(&mut self, cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        errors::note(cx.db(), report)
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    async fn prune(background: Background<Self>) -> Result<()> {
        prune::every_hour(background).await
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    fn rest(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    async fn end(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        archive(cx.key()).await
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    /// Posts a message.
    async fn post(
        &mut self,
        cx: &mut Context<'_, Self>,
        author: String,
        body: String,
    ) -> Result<i32> {
        self.typing.remove(&author);
        messages::post(cx.db(), author, body)
    }
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    #[cfg(feature = "history")]
    fn history(&self, cx: &mut Context<'_, Self>, limit: i64) -> Result<Vec<Message>> {
        messages::newest(cx.db(), limit)
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
        post(String, String),
        #[cfg(feature = "history")]
        history(i64),
    }
    #[doc(hidden)]
    pub enum __ActorReply {
        post(<Result<i32> as ::actor_core::__private::Outcome>::Value),
        #[cfg(feature = "history")]
        history(<Result<Vec<Message>> as ::actor_core::__private::Outcome>::Value),
    }
    #[automatically_derived]
    impl ::actor_core::__private::Handlers for ChatRoom
    where
        ChatRoom: ::actor_core::__private::Actor,
    {
        type Handle = ChatRoomHandle;
        type Input = NewRoom;
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
            data_migrations: &[
                ::actor_core::__private::DataMigration {
                    hook: ::actor_core::__private::Hook {
                        id: 1u32,
                        name: "fill_slugs",
                        timeout: ::core::option::Option::None,
                        is_async: false,
                    },
                    after: "20261122000002",
                    new: false,
                },
            ],
            create_state: ::core::option::Option::Some(::actor_core::__private::Hook {
                id: 3u32,
                name: "create_state",
                timeout: ::core::option::Option::None,
                is_async: false,
            }),
            on_create: &[
                ::actor_core::__private::Hook {
                    id: 4u32,
                    name: "welcome",
                    timeout: ::core::option::Option::None,
                    is_async: true,
                },
            ],
            create_vars: ::core::option::Option::Some(::actor_core::__private::Hook {
                id: 5u32,
                name: "create_vars",
                timeout: ::core::option::Option::None,
                is_async: false,
            }),
            on_wake: &[
                ::actor_core::__private::Hook {
                    id: 7u32,
                    name: "warm",
                    timeout: ::core::option::Option::Some(
                        ::core::time::Duration::from_millis(2000u64),
                    ),
                    is_async: true,
                },
                ::actor_core::__private::Hook {
                    id: 6u32,
                    name: "audit",
                    timeout: ::core::option::Option::None,
                    is_async: true,
                },
            ],
            on_before_start: &[
                ::actor_core::__private::Hook {
                    id: 8u32,
                    name: "check",
                    timeout: ::core::option::Option::None,
                    is_async: false,
                },
            ],
            on_state_change: ::core::option::Option::Some(::actor_core::__private::Hook {
                id: 9u32,
                name: "changed",
                timeout: ::core::option::Option::None,
                is_async: false,
            }),
            on_error: ::core::option::Option::Some(::actor_core::__private::Hook {
                id: 10u32,
                name: "note",
                timeout: ::core::option::Option::None,
                is_async: false,
            }),
            run: &[
                ::actor_core::__private::Hook {
                    id: 11u32,
                    name: "prune",
                    timeout: ::core::option::Option::None,
                    is_async: true,
                },
            ],
            on_sleep: &[
                ::actor_core::__private::Hook {
                    id: 12u32,
                    name: "rest",
                    timeout: ::core::option::Option::None,
                    is_async: false,
                },
            ],
            on_destroy: &[
                ::actor_core::__private::Hook {
                    id: 13u32,
                    name: "end",
                    timeout: ::core::option::Option::None,
                    is_async: true,
                },
            ],
            queues: &[],
            actions: &[
                ::actor_core::__private::ActionInfo {
                    id: 0u32,
                    name: "post",
                    read_only: false,
                    is_async: true,
                    timeout: ::core::option::Option::Some(
                        ::core::time::Duration::from_millis(3000u64),
                    ),
                    durability: ::core::option::Option::None,
                },
                #[cfg(feature = "history")]
                ::actor_core::__private::ActionInfo {
                    id: 1u32,
                    name: "history",
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
                __ActorAction::post(..) => {
                    const {
                        &::actor_core::__private::ActionInfo {
                            id: 0u32,
                            name: "post",
                            read_only: false,
                            is_async: true,
                            timeout: ::core::option::Option::Some(
                                ::core::time::Duration::from_millis(3000u64),
                            ),
                            durability: ::core::option::Option::None,
                        }
                    }
                }
                #[cfg(feature = "history")]
                __ActorAction::history(..) => {
                    const {
                        &::actor_core::__private::ActionInfo {
                            id: 1u32,
                            name: "history",
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
                __ActorAction::post(ref __actor_0, ref __actor_1) => {
                    ::actor_core::__private::Stored::<
                        (String, String),
                    >::encode(
                        &(__actor_0, __actor_1),
                        &["author", "body"],
                        |__actor_read: &(String, String)| {
                            (&::actor_core::__private::Same(__actor_0, &__actor_read.0))
                                .same()
                                && (&::actor_core::__private::Same(
                                    __actor_1,
                                    &__actor_read.1,
                                ))
                                    .same() && true
                        },
                    )
                }
                #[cfg(feature = "history")]
                __ActorAction::history(ref __actor_0) => {
                    ::actor_core::__private::Stored::<
                        (i64,),
                    >::encode(
                        &(__actor_0,),
                        &["limit"],
                        |__actor_read: &(i64,)| {
                            (&::actor_core::__private::Same(__actor_0, &__actor_read.0))
                                .same() && true
                        },
                    )
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
                "post" => {
                    ::core::result::Result::map(
                        ::actor_core::__private::Stored::<
                            (String, String),
                        >::decode(__actor_json, &["author", "body"]),
                        |__actor_arguments| __ActorMessage(
                            __ActorAction::post(__actor_arguments.0, __actor_arguments.1),
                        ),
                    )
                }
                #[cfg(feature = "history")]
                "history" => {
                    ::core::result::Result::map(
                        ::actor_core::__private::Stored::<
                            (i64,),
                        >::decode(__actor_json, &["limit"]),
                        |__actor_arguments| __ActorMessage(
                            __ActorAction::history(__actor_arguments.0),
                        ),
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
                1u32 => {
                    ::actor_core::__private::outcome(
                        Self::fill_slugs(
                            &mut ::actor_core::__private::Context::stage(__actor_cx),
                        ),
                    )
                }
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
                _,
            >::begin(__actor_version, __actor_json);
            let __actor_reached = ::actor_core::__private::StateSteps::step(
                __actor_reached,
                1i32,
                "add_language",
                Self::add_language,
            )?;
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
            ::actor_core::__private::outcome(
                Self::create_state(
                    &mut ::actor_core::__private::Context::stage(__actor_cx),
                    __actor_input,
                ),
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
                4u32 => {
                    ::actor_core::__private::outcome(
                        ::actor_core::__private::handler(
                                Self::welcome(
                                    &mut ::actor_core::__private::Context::stage(__actor_cx),
                                ),
                            )
                            .await,
                    )
                }
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
            ::actor_core::__private::outcome(
                Self::create_vars(
                    &mut ::actor_core::__private::Context::stage(__actor_cx),
                ),
            )
        }
        async fn __hook(
            &mut self,
            _: ::actor_core::__private::Step,
            __actor_id: u32,
            __actor_cx: &mut ::actor_core::__private::Context<'_, Self>,
        ) -> ::core::result::Result<(), ::actor_core::__private::Failure> {
            match __actor_id {
                6u32 => {
                    ::actor_core::__private::outcome(
                        ::actor_core::__private::handler(
                                Self::audit(
                                    self,
                                    &mut ::actor_core::__private::Context::stage(__actor_cx),
                                ),
                            )
                            .await,
                    )
                }
                7u32 => {
                    ::actor_core::__private::outcome(
                        ::actor_core::__private::handler(
                                Self::warm(
                                    self,
                                    &mut ::actor_core::__private::Context::stage(__actor_cx),
                                ),
                            )
                            .await,
                    )
                }
                8u32 => {
                    ::actor_core::__private::outcome(
                        Self::check(
                            self,
                            &mut ::actor_core::__private::Context::stage(__actor_cx),
                        ),
                    )
                }
                12u32 => {
                    ::actor_core::__private::outcome(
                        Self::rest(
                            self,
                            &mut ::actor_core::__private::Context::stage(__actor_cx),
                        ),
                    )
                }
                13u32 => {
                    ::actor_core::__private::outcome(
                        ::actor_core::__private::handler(
                                Self::end(
                                    self,
                                    &mut ::actor_core::__private::Context::stage(__actor_cx),
                                ),
                            )
                            .await,
                    )
                }
                _ => {
                    ::core::unreachable!(
                        "no hook of this step has the id {}", __actor_id
                    )
                }
            }
        }
        fn __state_changed(
            &mut self,
            __actor_cx: &mut ::actor_core::__private::Context<'_, Self>,
            __actor_told: &<Self as ::actor_core::__private::Actor>::State,
        ) -> ::core::result::Result<(), ::actor_core::__private::Failure> {
            ::actor_core::__private::has_state::<Self>();
            ::actor_core::__private::outcome(
                Self::changed(
                    self,
                    &mut ::actor_core::__private::Context::stage(__actor_cx),
                    __actor_told,
                ),
            )
        }
        fn __on_error(
            &mut self,
            __actor_cx: &mut ::actor_core::__private::Context<'_, Self>,
            __actor_told: &::actor_core::__private::ErrorReport,
        ) -> ::core::result::Result<(), ::actor_core::__private::Failure> {
            ::actor_core::__private::outcome(
                Self::note(
                    self,
                    &mut ::actor_core::__private::Context::stage(__actor_cx),
                    __actor_told,
                ),
            )
        }
        async fn __run(
            __actor_id: u32,
            __actor_background: ::actor_core::__private::Background<Self>,
        ) -> ::core::result::Result<(), ::actor_core::__private::Failure> {
            match __actor_id {
                11u32 => {
                    ::actor_core::__private::outcome(
                        ::actor_core::__private::handler(Self::prune(__actor_background))
                            .await,
                    )
                }
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
                #[cfg(feature = "history")]
                __ActorAction::history(__actor_0) => {
                    ::core::result::Result::map(
                        ::actor_core::__private::outcome(
                            Self::history(
                                self,
                                &mut ::actor_core::__private::Context::stage(__actor_cx),
                                __actor_0,
                            ),
                        ),
                        __ActorReply::history,
                    )
                }
                _ => ::core::unreachable!("the runtime knows which actions may wait"),
            }
        }
        async fn __dispatch(
            &mut self,
            __actor_message: Self::Message,
            __actor_cx: &mut ::actor_core::__private::Context<'_, Self>,
        ) -> ::core::result::Result<Self::Reply, ::actor_core::__private::Failure> {
            let __ActorMessage(__actor_inner) = __actor_message;
            match __actor_inner {
                __ActorAction::post(__actor_0, __actor_1) => {
                    ::core::result::Result::map(
                        ::actor_core::__private::outcome(
                            ::actor_core::__private::handler(
                                    Self::post(
                                        self,
                                        &mut ::actor_core::__private::Context::stage(__actor_cx),
                                        __actor_0,
                                        __actor_1,
                                    ),
                                )
                                .await,
                        ),
                        __ActorReply::post,
                    )
                }
                _ => ::core::unreachable!("the runtime knows which actions may wait"),
            }
        }
    }
    #[automatically_derived]
    impl ::actor_core::__private::StateStep<1i32> for ChatRoom {}
    const _: () = {
        fn __actor_check()
        where
            ChatRoom: ::actor_core::__private::OlderState<1i32>,
        {}
    };
    #[automatically_derived]
    impl ChatRoomHandle {
        /// Posts a message.
        fn post(
            &self,
            author: impl ::core::convert::Into<String>,
            body: impl ::core::convert::Into<String>,
        ) -> ::actor_core::__private::Call<
            '_,
            ChatRoom,
            <Result<i32> as ::actor_core::__private::Outcome>::Value,
            (String, String),
        > {
            ::actor_core::__private::Call::__new(
                ::core::ops::Deref::deref(self),
                __ActorMessage(
                    __ActorAction::post(
                        ::core::convert::Into::into(author),
                        ::core::convert::Into::into(body),
                    ),
                ),
                |__actor_reply| match __actor_reply {
                    __ActorReply::post(__actor_value) => {
                        ::core::option::Option::Some(__actor_value)
                    }
                    _ => ::core::option::Option::None,
                },
            )
        }
        #[cfg(feature = "history")]
        /// Calls the action `history` of a [`ChatRoom`].
        fn history(
            &self,
            limit: i64,
        ) -> ::actor_core::__private::Call<
            '_,
            ChatRoom,
            <Result<Vec<Message>> as ::actor_core::__private::Outcome>::Value,
            (i64,),
        > {
            ::actor_core::__private::Call::__new(
                ::core::ops::Deref::deref(self),
                __ActorMessage(__ActorAction::history(limit)),
                |__actor_reply| match __actor_reply {
                    __ActorReply::history(__actor_value) => {
                        ::core::option::Option::Some(__actor_value)
                    }
                    _ => ::core::option::Option::None,
                },
            )
        }
    }
};
