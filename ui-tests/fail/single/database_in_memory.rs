use actor_core::prelude::*;


use diesel::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn open(&mut self, cx: &mut Context<'_, Self>) -> Result<usize> {
        Ok(diesel::sql_query("SELECT 1").execute(cx.db())?)
    }
}

fn main() {}
