//! The user may give our names, and those of the standard library, to other things.

#![allow(dead_code, non_camel_case_types, unused_macros)]

use actor_core::{Actor, actor};

struct Option;
struct Result;
struct String;
struct Vec;
struct Box;
struct Send;
struct Clone;
struct Into;
struct Migrations;
struct Handlers;
struct core;
struct ErrorReport;
struct HasState;
struct std;
mod actor_ref {}

macro_rules! unreachable {
    () => {
        compile_error!("the user's macro")
    };
}

macro_rules! include_str {
    ($path:literal) => {
        compile_error!("the user's macro")
    };
}

fn handler() {}
fn outcome() {}
fn has_state() {}

#[derive(Actor)]
struct Room {
    #[state]
    count: actor_core::State<u8>,
}

#[actor]
impl Room {
    #[migrate("migrations/room")]
    fn migrate() {}

    #[on_wake(timeout = "2s")]
    async fn audit(&mut self, _cx: &mut actor_core::Context<'_, Self>) -> actor_core::Result<()> {
        Ok(())
    }

    #[on_state_change]
    fn changed(&mut self, _cx: &mut actor_core::Context<'_, Self>, before: &u8) -> actor_core::Result<()> {
        let _ = (before, &self.count);
        Ok(())
    }

    #[on_error]
    fn note(&mut self, _cx: &mut actor_core::Context<'_, Self>, told: &actor_core::ErrorReport) -> actor_core::Result<()> {
        let _ = told;
        Ok(())
    }

    // Names that the generated code could have used for itself.
    #[action]
    async fn dispatch_it(
        &mut self,
        _context: &mut actor_core::Context<'_, Self>,
        message: u8,
        cx: u8,
        reply: u8,
        id: u8,
        value: String,
    ) -> actor_core::Result<u8> {
        let String = value;
        Ok(message + cx + reply + id)
    }
}

fn main() {
    let _ = |room: &RoomHandle| drop(room.dispatch_it(1, 2, 3, 4, String));
    let _ = actor_core::System::builder().register::<Room>();
}
