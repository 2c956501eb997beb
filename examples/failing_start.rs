//! A start that fails leaves nothing: no row, no file, a free key. The error says where and why, and the next try succeeds.

use std::fmt;
use std::path::Path;

use actor_core::prelude::*;
use diesel::prelude::*;

use self::schema::lines;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Order>()
        .start()
        .await?;

    // It writes its first row before it fails at the second item.
    let bad = ["bread", ""].map(str::to_owned).to_vec();
    let error = system
        .create::<Order>("7", bad)
        .await
        .expect_err("an item has no name");
    println!("{error}");
    println!("group {}, code {}", error.group(), error.code());
    println!("the cause: {:?}", error.downcast_ref::<NoName>());
    assert_eq!((error.group(), error.code()), ("start", "hook_failed"));
    assert_eq!(error.downcast_ref(), Some(&NoName { position: 1 }));

    println!("files of the actor: {}", files(directory.path())?);
    println!(
        "listed actors: {}",
        system.list::<Order>(None, 10).await?.len()
    );
    assert_eq!(files(directory.path())?, 0);
    let missing = system.get::<Order>("7").lines().await;
    let missing = missing.expect_err("it was not created");
    println!("{missing} ({}/{})", missing.group(), missing.code());

    let good = ["bread", "salt"].map(str::to_owned).to_vec();
    let order = system.create::<Order>("7", good).await?;
    println!("created, with {}", order.lines().await?.join(" and "));
    assert_eq!(order.lines().await?, ["bread", "salt"]);
    system.shutdown().await?;
    Ok(())
}

/// Counts the files of all orders.
fn files(directory: &Path) -> std::io::Result<usize> {
    Ok(std::fs::read_dir(directory.join("order"))?.count())
}

actor_core::schema! { mod schema = "migrations/failing_start"; }

/// An error of our own; the caller gets it back.
#[derive(Debug, PartialEq)]
struct NoName {
    position: usize,
}

impl fmt::Display for NoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {} has no name", self.position)
    }
}

impl std::error::Error for NoName {}

#[derive(Actor)]
struct Order {
    #[state]
    items: State<usize>,
}

#[actor]
impl Order {
    #[migrate("migrations/failing_start")]
    fn migrate() {}

    #[create_state]
    fn create_state(cx: &mut Context<'_, Self, Migrated>, items: Vec<String>) -> Result<usize> {
        for (position, item) in items.iter().enumerate() {
            if item.is_empty() {
                return Err(NoName { position }.into());
            }
            diesel::insert_into(lines::table)
                .values(lines::item.eq(item))
                .execute(cx.db())?;
        }
        Ok(items.len())
    }

    #[action]
    fn lines(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        let found: Vec<String> = lines::table
            .order(lines::id)
            .select(lines::item)
            .load(cx.db())?;
        assert_eq!(found.len(), *self.items, "they were saved together");
        Ok(found)
    }
}
