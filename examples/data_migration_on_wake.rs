//! The data of version 1 of a program is opened by version 2: SQL, a Rust step in the middle, SQL again, all in one transaction.

use std::path::Path;

use actor_core::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    old_program(directory.path()).await?;
    new_program(directory.path()).await
}

async fn old_program(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let system = System::builder()
        .data_dir(directory)
        .register::<v1::Blog>()
        .start()
        .await?;
    let blog = system.get_or_create::<v1::Blog>("ann", ());
    blog.publish("Hello World").await?;
    blog.publish("One File Each").await?;
    println!("v1 wrote {} articles", blog.count().await?);
    let listed = system.list::<v1::Blog>(None, 1).await?;
    println!("v1 has schema {:?}", listed[0].schema_version);
    system.shutdown().await?;
    Ok(())
}

async fn new_program(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let system = System::builder()
        .data_dir(directory)
        .register::<v2::Blog>()
        .start()
        .await?;
    println!("v2 is started; nothing is migrated before a call");
    let blog = system.get::<v2::Blog>("ann");
    let slugs = blog.slugs().await?;
    println!("v2 reads the slugs {}", slugs.join(", "));
    assert_eq!(slugs, ["hello-world-1", "one-file-each-2"]);
    let listed = system.list::<v2::Blog>(None, 1).await?;
    println!("v2 has schema {:?}", listed[0].schema_version);
    assert_eq!(listed[0].schema_version.as_deref(), Some("20261122000003"));

    blog.sleep().await?;
    assert_eq!(blog.slugs().await?, slugs);
    println!("after sleep and wake: the same, and the step did not run again");
    let new = system.get_or_create::<v2::Blog>("bob", ());
    assert_eq!(new.slugs().await?, [""; 0]);
    println!("a new actor starts from the finished schema, without the step");
    system.shutdown().await?;
    Ok(())
}

/// The program as it was.
mod v1 {
    use actor_core::prelude::*;
    use diesel::prelude::*;

    use self::schema::articles;

    actor_core::schema! { mod schema = "migrations/data_migration_on_wake/v1"; }

    #[derive(Actor)]
    #[actor(name = "blog")]
    pub(crate) struct Blog {}

    #[actor]
    impl Blog {
        #[migrate("migrations/data_migration_on_wake/v1")]
        fn migrate() {}

        #[action]
        pub(crate) fn publish(&mut self, cx: &mut Context<'_, Self>, title: String) -> Result<()> {
            diesel::insert_into(articles::table)
                .values(articles::title.eq(title))
                .execute(cx.db())?;
            Ok(())
        }

        #[action]
        pub(crate) fn count(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
            Ok(articles::table.count().get_result(cx.db())?)
        }
    }
}

/// The program as it is.
mod v2 {
    use actor_core::prelude::*;
    use diesel::prelude::*;

    use self::schema::articles;

    actor_core::schema! { mod schema = "migrations/data_migration_on_wake/v2"; }
    // The tables that the step sees. A step that mentions others does not compile.
    actor_core::schema! { mod at_2 = "migrations/data_migration_on_wake/v2" at "2026-11-22-000002"; }

    #[derive(Actor)]
    #[actor(name = "blog")]
    pub(crate) struct Blog {}

    #[actor]
    impl Blog {
        #[migrate("migrations/data_migration_on_wake/v2")]
        fn migrate() {}

        /// Version 2 adds an empty column, and the index of version 3 would refuse it.
        #[data_migration(after = "2026-11-22-000002")]
        fn fill_slugs(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
            use self::at_2::articles;

            let found: Vec<(i64, String)> = articles::table
                .select((articles::id, articles::title))
                .load(cx.db())?;
            println!("  fill_slugs: {} articles", found.len());
            for (id, title) in found {
                let slug = format!("{}-{id}", title.to_lowercase().replace(' ', "-"));
                diesel::update(articles::table.find(id))
                    .set(articles::slug.eq(slug))
                    .execute(cx.db())?;
            }
            Ok(())
        }

        #[action]
        pub(crate) fn slugs(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
            Ok(articles::table
                .order(articles::id)
                .select(articles::slug)
                .load(cx.db())?)
        }
    }
}
