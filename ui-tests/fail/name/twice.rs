use actor_core::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>, body: String) -> Result<usize> {
        Ok(body.len())
    }

    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>, body: String, author: String) -> Result<usize> {
        Ok(body.len() + author.len())
    }
}

async fn call(system: &System) {
    let _ = system.get::<Room>("a").post("hello").await;
}

fn main() {}
