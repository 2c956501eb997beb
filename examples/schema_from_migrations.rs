//! There is no `schema.rs`: the tables that Diesel knows are those that the migrations leave, read while compiling.
//!
//! The second migration renames `tasks.name` to `tasks.title`. A query that still says `name` does not build, and it is
//! Diesel's table that says so:
//!
//! ```text
//! error[E0425]: cannot find value `name` in module `schema::tasks`
//!    |
//!    |         Ok(tasks::table.select(tasks::name).load(cx.db())?)
//!    |                                       ^^^^ not found in `schema::tasks`
//! ```
//!
//! So does one that reads a column as another type, or a column that can be `NULL` as one that cannot. Where SQLite has no
//! type, in the expression of a view, the block of `schema!` gives it one.

use actor_core::prelude::*;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use self::schema::{open_hours, tasks};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let system = System::builder()
        .data_dir(directory.path())
        .register::<TaskList>()
        .start()
        .await?;
    let list = system.get_or_create::<TaskList>("garden", ());
    let water = list.add("water the beans", Some(1)).await?;
    list.add("build a shed", Some(30)).await?;
    list.add("rest", None).await?;
    println!("open: {} hours", list.open_hours().await?);
    assert_eq!(list.open_hours().await?, 31);

    let done = list.finish(water).await?;
    println!("done: {} ({:?} hours)", done.title, done.hours);
    assert_eq!(
        (done.title.as_str(), done.hours),
        ("water the beans", Some(1))
    );
    println!("open: {} hours", list.open_hours().await?);
    assert_eq!(list.open_hours().await?, 30);
    system.shutdown().await?;
    Ok(())
}

actor_core::schema! {
    mod schema = "migrations/schema_from_migrations" {
        open_hours.hours: Integer,
    }
}

/// A row of `tasks`. Diesel holds its fields against the columns, with their types.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(Sqlite))]
struct Task {
    title: String,
    hours: Option<i32>,
}

#[derive(Actor)]
#[actor(name = "task-list")]
struct TaskList {}

#[actor]
impl TaskList {
    #[migrate("migrations/schema_from_migrations")]
    fn migrate() {}

    /// Adds a task and returns its id.
    #[action]
    fn add(
        &mut self,
        cx: &mut Context<'_, Self>,
        title: String,
        hours: Option<i32>,
    ) -> Result<i64> {
        Ok(diesel::insert_into(tasks::table)
            .values((tasks::title.eq(title), tasks::hours.eq(hours)))
            .returning(tasks::id)
            .get_result(cx.db())?)
    }

    /// Marks a task as done and returns it.
    #[action]
    fn finish(&mut self, cx: &mut Context<'_, Self>, id: i64) -> Result<Task> {
        Ok(diesel::update(tasks::table.find(id))
            .set(tasks::done.eq(true))
            .returning(Task::as_returning())
            .get_result(cx.db())?)
    }

    /// Adds up the hours of the tasks that are not done.
    #[action]
    fn open_hours(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        let hours = open_hours::table.select(diesel::dsl::sum(open_hours::hours));
        Ok(hours.get_result::<Option<i64>>(cx.db())?.unwrap_or(0))
    }
}
