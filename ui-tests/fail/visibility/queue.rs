use actor_core::prelude::*;

mod chat {
    use actor_core::prelude::*;

    #[derive(Actor)]
    pub struct Room {}

    #[actor]
    impl Room {
        #[queue]
        fn mails(mail: String) {}
    }
}

fn call(system: &System) {
    let room = system.get::<chat::Room>("a");
    let _ = room.mails();
}

fn main() {}
