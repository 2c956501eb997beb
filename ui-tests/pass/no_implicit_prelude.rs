//! The code of the macros needs no name in scope.

#![no_implicit_prelude]

use ::actor_core::{Actor, Context, State, Stateful, actor};

#[derive(Actor)]
struct Room {
    #[state]
    topic: State<::std::string::String>,
    #[vars]
    readers: ::std::vec::Vec<u64>,
}

#[actor]
impl Room {
    #[migrate("migrations/room")]
    fn migrate() {}

    #[on_create]
    async fn welcome(_cx: &mut Context<'_, Self, Stateful>) -> ::actor_core::Result<()> {
        ::std::result::Result::Ok(())
    }

    #[on_wake]
    fn audit(&mut self, _cx: &mut Context<'_, Self>) -> ::actor_core::Result<()> {
        self.readers.clear();
        ::std::result::Result::Ok(())
    }

    #[on_state_change]
    fn changed(&self, _cx: &mut Context<'_, Self>, before: &::std::string::String) -> ::actor_core::Result<()> {
        let _ = before;
        ::std::result::Result::Ok(())
    }

    #[on_error]
    fn note(&self, _cx: &mut Context<'_, Self>, report: &::actor_core::ErrorReport) -> ::actor_core::Result<()> {
        let _ = report;
        ::std::result::Result::Ok(())
    }

    #[action]
    async fn topic(
        &self,
        _cx: &mut Context<'_, Self>,
        at: ::std::option::Option<u64>,
    ) -> ::actor_core::Result<::std::string::String> {
        let _ = at;
        ::std::result::Result::Ok(::std::clone::Clone::clone(&*self.topic))
    }
}

fn main() {}
