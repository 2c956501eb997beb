use actor_core::prelude::*;
use diesel::prelude::*;

mod tables {
    actor_core::schema! { pub mod newest = "migrations/notes"; }
    actor_core::schema! { pub mod v2 = "migrations/notes" at "2026-01-02-000002"; }
}

#[derive(Actor)]
struct Notes {}

use tables::newest::notes;

#[actor]
impl Notes {
    #[migrate("migrations/notes")]
    fn migrate() {}

    #[data_migration(after = "2026-01-02-000002")]
    fn fill(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        fn raise(db: &mut actor_core::Db) -> QueryResult<usize> {
            diesel::update(notes::table)
                .set(notes::level.eq(3))
                .execute(db)
        }
        raise(cx.db())?;
        Ok(())
    }
}

fn main() {}
