/// Counts.
pub struct Counter {
    hits: State<u64>,
}
/// A handle to [`Counter`] actors: a key, and a method for each of their actions.
///
/// It is cheap to clone, does nothing until a call is awaited or sent, and goes on working when the actor sleeps, crashes or is created anew.
#[allow(deprecated, trivial_bounds)]
pub struct CounterHandle
where
    Counter: ::actor_core::__private::Handlers,
{
    actor: ::actor_core::__private::ActorRef<Counter>,
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
    impl ::actor_core::__private::Actor for Counter {
        const NAME: &'static str = "counter";
        const OPTIONS: ::actor_core::__private::Options = ::actor_core::__private::Options {
            timeouts: ::actor_core::__private::Timeouts {
                ..::actor_core::__private::Timeouts::DEFAULT
            },
            ..::actor_core::__private::Options::DEFAULT
        };
        type State = u64;
        type Vars = ();
        const __STATE_VERSION: i32 = 1i32;
        fn __assemble(
            __actor_state: ::actor_core::__private::State<Self::State>,
            __actor_vars: Self::Vars,
        ) -> Self {
            Self { hits: __actor_state }
        }
        fn __state(
            &mut self,
        ) -> ::core::option::Option<&mut ::actor_core::__private::State<Self::State>> {
            ::core::option::Option::Some(&mut self.hits)
        }
    }
    #[automatically_derived]
    impl ::actor_core::__private::HasState for Counter {}
    #[automatically_derived]
    impl ::actor_core::__private::OlderState<0i32> for Counter {}
    #[automatically_derived]
    impl ::core::clone::Clone for CounterHandle
    where
        Counter: ::actor_core::__private::Handlers,
    {
        fn clone(&self) -> Self {
            Self {
                actor: ::core::clone::Clone::clone(&self.actor),
            }
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for CounterHandle
    where
        Counter: ::actor_core::__private::Handlers,
    {
        fn fmt(
            &self,
            __actor_formatter: &mut ::core::fmt::Formatter<'_>,
        ) -> ::core::fmt::Result {
            ::core::fmt::Debug::fmt(&self.actor, __actor_formatter)
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<::actor_core::__private::ActorRef<Counter>>
    for CounterHandle
    where
        Counter: ::actor_core::__private::Handlers,
    {
        fn from(__actor_actor: ::actor_core::__private::ActorRef<Counter>) -> Self {
            Self { actor: __actor_actor }
        }
    }
    #[automatically_derived]
    impl ::core::ops::Deref for CounterHandle
    where
        Counter: ::actor_core::__private::Handlers,
    {
        type Target = ::actor_core::__private::ActorRef<Counter>;
        fn deref(&self) -> &Self::Target {
            &self.actor
        }
    }
};
impl Counter {
    #[allow(
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_async,
        clippy::unused_self,
    )]
    /// Counts one more.
    fn hit(&mut self, _cx: &mut Context<'_, Self>) -> Result<u64> {
        *self.hits += 1;
        Ok(*self.hits)
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
        hit(),
    }
    #[doc(hidden)]
    pub enum __ActorReply {
        hit(<Result<u64> as ::actor_core::__private::Outcome>::Value),
    }
    #[automatically_derived]
    impl ::actor_core::__private::Handlers for Counter
    where
        Counter: ::actor_core::__private::Actor,
    {
        type Handle = CounterHandle;
        type Input = ();
        type Message = __ActorMessage;
        type Reply = __ActorReply;
        const MIGRATIONS: ::actor_core::__private::Migrations = ::actor_core::__private::Migrations::NONE;
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
                    name: "hit",
                    read_only: false,
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
                __ActorAction::hit(..) => {
                    const {
                        &::actor_core::__private::ActionInfo {
                            id: 0u32,
                            name: "hit",
                            read_only: false,
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
                __ActorAction::hit() => {
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
                "hit" => {
                    ::core::result::Result::map(
                        ::actor_core::__private::Stored::<()>::decode(__actor_json, &[]),
                        |__actor_arguments| __ActorMessage(__ActorAction::hit()),
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
                __ActorAction::hit() => {
                    ::core::result::Result::map(
                        ::actor_core::__private::outcome(
                            Self::hit(
                                self,
                                &mut ::actor_core::__private::Context::stage(__actor_cx),
                            ),
                        ),
                        __ActorReply::hit,
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
    impl CounterHandle {
        /// Counts one more.
        fn hit(
            &self,
        ) -> ::actor_core::__private::Call<
            '_,
            Counter,
            <Result<u64> as ::actor_core::__private::Outcome>::Value,
            (),
        > {
            ::actor_core::__private::Call::__new(
                ::core::ops::Deref::deref(self),
                __ActorMessage(__ActorAction::hit()),
                |__actor_reply| match __actor_reply {
                    __ActorReply::hit(__actor_value) => {
                        ::core::option::Option::Some(__actor_value)
                    }
                    _ => ::core::option::Option::None,
                },
            )
        }
    }
};
