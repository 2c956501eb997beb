use actor_core::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[queue]
    fn r#watch(mail: String) {}

    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<usize> {
        Ok(0)
    }
}

fn main() {}
