use actor_core::prelude::*;
use diesel::prelude::*;

mod tables {
    actor_core::schema! { pub mod newest = "migrations/notes"; }
    actor_core::schema! { pub mod v2 = "migrations/notes" at "2026-01-02-000002"; }
}

#[derive(Actor)]
struct Notes {}

use tables::newest::notes as n;

#[actor]
impl Notes {
    #[migrate("migrations/notes")]
    fn migrate() {}

    #[data_migration(after = "2026-01-02-000002")]
    fn fill(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        let _: i64 = n::table.filter(n::level.gt(3)).count().get_result(cx.db())?;
        Ok(())
    }
}

fn main() {}
