use actor_core::prelude::*;
use diesel::prelude::*;

mod tables {
    actor_core::schema! { pub mod newest = "migrations/notes"; }
    actor_core::schema! { pub mod v2 = "migrations/notes" at "2026-01-02-000002"; }
}

#[derive(Actor)]
struct Notes {}

use tables::newest::notes;

#[derive(Identifiable, QueryableByName)]
#[diesel(table_name = notes)]
struct Note {
    id: i64,
    level: i32,
}

#[actor]
impl Notes {
    #[migrate("migrations/notes")]
    fn migrate() {}

    #[data_migration(after = "2026-01-02-000002")]
    fn fill(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        let found: Vec<Note> = diesel::sql_query("SELECT * FROM notes").load(cx.db())?;
        for note in &found {
            diesel::delete(note).execute(cx.db())?;
        }
        Ok(())
    }
}

fn main() {}
