use actor_core::prelude::*;


use diesel::prelude::*;

actor_core::schema! { mod schema = "migrations/room"; }

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[migrate("migrations/room")]
    fn migrate() {}

    #[action]
    fn count(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(schema::mesages::table.count().get_result(cx.db())?)
    }
}

fn main() {}
