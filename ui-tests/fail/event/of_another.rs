//! A subscription to what the actor never emits.

use actor_core::Event;
use actor_core::prelude::*;

#[derive(Clone, Event)]
#[event(of(Lobby))]
struct Joined;

#[derive(Actor)]
struct Lobby {}

#[actor]
impl Lobby {}

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn join(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.emit(Joined);
        Ok(())
    }
}

fn listen(lobby: &LobbyHandle, room: &RoomHandle) {
    let _ = lobby.subscribe::<Joined>();
    let _ = room.subscribe::<Joined>();
}

fn main() {}
