//! A data migration takes the tables of its version; those that did not change may be the newest.

use actor_core::prelude::*;
use diesel::prelude::*;

actor_core::schema! { mod newest = "migrations/notes"; }
actor_core::schema! { mod v1 = "migrations/notes" at "2026-01-02-000001_notes"; }
actor_core::schema! { mod v2 = "migrations/notes" at "20260102000002"; }

use newest::{authors, notes};

diesel::table! {
    by_hand (id) { id -> BigInt, level -> Text, }
}

fn count(db: &mut actor_core::Db) -> QueryResult<i64> {
    authors::table.count().get_result(db)
}

#[derive(Identifiable, Queryable)]
#[diesel(table_name = words)]
struct Word {
    id: i64,
    word: String,
}

use v2::words;

enum Kind {
    Long { least: usize },
}

/// A value whose name is that of a column.
mod levels {
    #[allow(non_upper_case_globals)]
    pub(crate) const level: u8 = 3;
}

#[derive(Actor)]
struct Notes {}

#[actor]
impl Notes {
    #[migrate("migrations/notes")]
    fn migrate() {}

    #[data_migration(after = "2026-01-02-000001")]
    fn first(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        let found: Vec<(i64, String)> = v1::notes::table
            .select((v1::notes::id, v1::notes::level))
            .load(cx.db())?;
        // No table changed between the two versions but the one that is new in the second.
        for (id, level) in found {
            diesel::update(v2::notes::table.find(id))
                .set(v2::notes::level.eq(level + "!"))
                .execute(cx.db())?;
        }
        Ok(())
    }

    #[data_migration(after = "2026-01-02-000002", new = true)]
    async fn second(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        use v2::{notes, words};

        let level = format!("{}", levels::level);
        let names: Vec<String> = authors::table.select(authors::name).load(cx.db())?;
        for word in names.into_iter().map(|name| name.to_lowercase()) {
            diesel::insert_into(words::table)
                .values(words::word.eq(word))
                .execute(cx.db())?;
        }
        {
            use v1::notes::dsl::*;

            let _: Vec<String> = notes.select(level).load(cx.db())?;
        }
        diesel::update(notes::table)
            .set(notes::level.eq(level))
            .execute(cx.db())?;
        let _: i64 = by_hand::table.count().get_result(cx.db())?;
        Ok(())
    }

    #[data_migration(after = "2026-01-02-000002", unchecked = true)]
    fn by_itself(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        let _ = notes::table.count().get_result::<i64>(cx.db())?;
        count(cx.db())?;
        Ok(())
    }

    #[data_migration(after = "2026-01-02-000003")]
    async fn with_what_is_inside(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        fn longest<T: Into<usize>>(db: &mut actor_core::Db, most: T) -> QueryResult<Vec<Word>> {
            let kind = Kind::Long { least: most.into() };
            let Kind::Long { least } = kind;
            let mut found: Vec<Word> = words::table.load(db)?;
            found.retain(|word| word.word.len() >= least);
            Ok(found)
        }
        let mut ids = Vec::new();
        for word in longest(cx.db(), 3_u8)? {
            ids.push(word.id);
            diesel::delete(&word).execute(cx.db())?;
        }
        cx.blocking(|db| {
            db.transaction(|db| diesel::delete(words::table).execute(db))
        })
        .await?;
        Ok(())
    }

    #[data_migration(after = "2026-01-02-000004")]
    fn last(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        let _: Vec<i32> = notes::table.select(notes::level).load(cx.db())?;
        Ok(())
    }
}

fn main() {}
