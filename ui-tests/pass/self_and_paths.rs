//! `Self` in the types of actions, visibilities, a struct in another module, and a result of the user's own.

mod room {
    use actor_core::{Actor, State};

    #[derive(Actor)]
    pub(crate) struct Room {
        #[state]
        pub(super) count: State<u64>,
    }

    #[derive(Debug)]
    pub(crate) struct Full;

    impl std::fmt::Display for Full {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the room is full")
        }
    }

    impl std::error::Error for Full {}
}

use std::marker::PhantomData;

use actor_core::prelude::*;

#[actor]
impl room::Room {
    #[action]
    pub(crate) async fn tagged(
        &mut self,
        _: &mut Context<'_, Self>,
        mut tags: Vec<PhantomData<Self>>,
    ) -> Result<Vec<PhantomData<Self>>, room::Full> {
        tags.push(PhantomData);
        Ok(tags)
    }

    /// The context may be an alias.
    #[action]
    pub(crate) fn full(&self, _cx: &mut Here<'_>) -> std::result::Result<u64, room::Full> {
        if *self.count > 10 { Err(room::Full) } else { Ok(*self.count) }
    }
}

type Here<'a> = Context<'a, room::Room>;

fn main() {
    let _ = |room: &room::RoomHandle| {
        drop(room.tagged(Vec::new()));
        drop(room.full());
    };
}
