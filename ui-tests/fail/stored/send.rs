//! A message to another actor is kept on disk, so its arguments can be saved.

use actor_core::prelude::*;

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
    fn pass_on(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let next = cx.system().get::<Room>("next");
        cx.send(next.show(Photo(Vec::new())))?;
        Ok(())
    }
}

fn main() {}
