use actor_core::prelude::*;


struct New;

#[derive(Actor)]
struct Room {
    #[state]
    open: State<bool>,
}

#[actor]
impl Room {
    #[create_state]
    fn create(_cx: &mut Context<'_, Self, Migrated>, _new: New) -> Result<bool> {
        Ok(true)
    }
}

fn main() {}
