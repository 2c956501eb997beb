//! A timer keeps its call on disk, so its arguments can be saved.

use actor_core::prelude::*;
use std::time::Duration;

struct Photo(Vec<u8>);

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn show(&mut self, _cx: &mut Context<'_, Self>, photo: Photo) -> Result<usize> {
        Ok(photo.0.len())
    }

    #[action]
    fn plan(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.after(Duration::from_secs(1), cx.handle().show(Photo(Vec::new())))?;
        Ok(())
    }
}

async fn outside(room: &RoomHandle) {
    let _ = room.show(Photo(Vec::new())).await;
    let _ = room.show(Photo(Vec::new())).after(Duration::from_secs(1)).await;
}

fn main() {}
