use actor_core::prelude::*;
use diesel::prelude::*;

mod tables {
    actor_core::schema! { pub mod newest = "migrations/notes"; }
    actor_core::schema! { pub mod v2 = "migrations/notes" at "2026-01-02-000002"; }
}

#[derive(Actor)]
struct Notes {}

#[actor]
impl Notes {
    #[migrate("migrations/notes")]
    fn migrate() {}

    #[data_migration(after = "2026-01-02-000002", new = true)]
    fn fill(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        let _: i64 = tables::newest::notes::table.count().get_result(cx.db())?;
        Ok(())
    }
}

fn main() {}
