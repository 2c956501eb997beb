use actor_core::prelude::*;


#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn open(&mut self, _cx: &mut Context<'_, Self>, by: Guest) -> Result<u8> {
        Ok(by.age)
    }
}

fn main() {}
