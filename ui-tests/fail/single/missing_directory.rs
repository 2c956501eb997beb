use actor_core::prelude::*;


actor_core::schema! { mod schema = "migrations/rooms"; }

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[migrate("migrations/rooms")]
    fn migrate() {}

    #[data_migration(after = "2026-11-22-000001")]
    fn fill(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
