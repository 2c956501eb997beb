use actor_core::prelude::*;

mod building {
    pub mod chat {
        use actor_core::prelude::*;

        #[derive(Actor)]
        pub struct Room {}

        #[actor]
        impl Room {
            #[action]
            pub(super) fn prune(&mut self, _cx: &mut Context<'_, Self>, before: u64) -> Result<u64> {
                Ok(before)
            }
        }
    }

    pub async fn may_call(system: &actor_core::System) {
        let _ = system.get::<chat::Room>("a").prune(3).await;
    }
}

async fn call(system: &System) {
    building::may_call(system).await;
    let _ = system.get::<building::chat::Room>("a").prune(3).await;
}

fn main() {}
