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
        assert_eq!(Ok(0), notes::table.count().get_result::<i64>(cx.db()));
        Ok(())
    }
}

fn main() {}
