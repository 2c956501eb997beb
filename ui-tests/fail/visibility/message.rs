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

type Message = <chat::Room as actor_core::Handlers>::Message;

fn message() -> Message {
    Message::prune(3)
}

fn main() {}
