use actor_core::prelude::*;


#[derive(Actor)]
struct Room {
    #[vars]
    open: Vec<u8>,
}

#[actor]
impl Room {
    #[create_vars]
    fn create(_cx: &mut Context<'_, Self, Stateful>) -> Result<Vec<u64>> {
        Ok(Vec::new())
    }
}

fn main() {}
