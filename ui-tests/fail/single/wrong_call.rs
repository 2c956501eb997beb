use actor_core::prelude::*;


#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn open(&self, _cx: &mut Context<'_, Self>, number: u64) -> Result<u64> {
        Ok(number)
    }
}

async fn call(system: &System) {
    let _ = system.get::<Room>("a").open("three").await;
}

fn main() {}
