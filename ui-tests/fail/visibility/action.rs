use actor_core::prelude::*;

mod chat {
    use actor_core::prelude::*;

    #[derive(Actor)]
    pub struct Room {}

    #[actor]
    impl Room {
        #[action]
        fn prune(&mut self, _cx: &mut Context<'_, Self>, before: u64) -> Result<u64> {
            Ok(before)
        }
    }
}

async fn call(system: &System) {
    let _ = system.get::<chat::Room>("a").prune(3).await;
}

fn main() {}
