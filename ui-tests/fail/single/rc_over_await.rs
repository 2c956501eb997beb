use actor_core::prelude::*;


use std::rc::Rc;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    async fn open(&mut self, _cx: &mut Context<'_, Self>) -> Result<u8> {
        let by = Rc::new(1);
        std::future::ready(()).await;
        Ok(*by)
    }
}

fn main() {}
