use actor_core::prelude::*;


#[derive(Clone, Default)]
struct Settings {
    topic: String,
}

#[derive(Actor)]
struct Room {
    #[state]
    settings: State<Settings>,
}

#[actor]
impl Room {
    #[action]
    fn topic(&self, _cx: &mut Context<'_, Self>) -> Result<String> {
        Ok(self.settings.topic.clone())
    }
}

fn main() {}
