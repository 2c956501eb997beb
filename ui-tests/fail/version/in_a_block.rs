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

    #[data_migration(after = "2026-01-02-000002")]
    fn fill(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        if let Some(first) = tables::v2::notes::table
            .select(tables::v2::notes::id)
            .first::<i64>(cx.db())
            .optional()?
        {
            use tables::newest::notes;

            diesel::delete(notes::table.find(first)).execute(cx.db())?;
        }
        Ok(())
    }
}

fn main() {}
