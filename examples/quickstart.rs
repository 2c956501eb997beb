//! The main job: an actor is created, answers, sleeps, wakes, undoes what fails, and is destroyed.
//!
//! `cargo run --example quickstart` keeps its data in `target/quickstart-data`; run it twice, and the second run shows
//! what the first wrote. Another directory may be given: `cargo run --example quickstart -- DIRECTORY`.

use actor_core::prelude::*;
use diesel::prelude::*;

use self::schema::entries;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1);
    let directory = directory.unwrap_or_else(|| "target/quickstart-data".to_owned());
    println!("The data is in {directory}.");
    let system = System::builder()
        .data_dir(directory)
        .register::<GuestBook>()
        .start()
        .await?;

    // Nothing happens before the first call. It creates the actor, or wakes it.
    let lobby = system.get_or_create::<GuestBook>("lobby", "The lobby".to_owned());
    let visit = lobby.open().await?;
    println!("Run {} finds {} entries.", visit.run, visit.entries);

    let ann = lobby.sign("ann", "hello").await?;
    let bob = lobby.sign("bob", "hi").await?;
    println!("Ann signs as entry {ann}, Bob as entry {bob}.");
    assert_eq!(bob, visit.entries + 2);

    // The name is changed before the row is refused. Both are undone.
    let refused = lobby.rename_and_sign("The hall", "eve", "").await;
    let refused = refused.expect_err("the table refuses empty words");
    println!("Eve: {refused} ({}/{})", refused.group(), refused.code());
    println!("The book is still called {:?}.", lobby.title().await?);
    assert_eq!(lobby.title().await?, "The lobby");

    lobby.sleep().await?;
    println!("It sleeps, and its file is closed. The next call wakes it.");
    let count = lobby.count().await?;
    println!("It is {:?} and holds {count} entries.", lobby.status());
    assert_eq!(count, visit.entries + 2);

    let scratch = system
        .create::<GuestBook>("scratch", "Scratch".to_owned())
        .await?;
    scratch.sign("ann", "to be forgotten").await?;
    scratch.destroy().await?;
    let gone = scratch.count().await.expect_err("it was destroyed");
    println!("{gone} ({}/{})", gone.group(), gone.code());

    for actor in system.list::<GuestBook>(None, 10).await? {
        let schema = actor.schema_version.as_deref().unwrap_or("none");
        println!("Listed: {} at schema {schema}.", actor.key);
    }
    system.shutdown().await?;
    println!("Everything is on disk.");
    Ok(())
}

actor_core::schema! { mod schema = "migrations/quickstart"; }

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Cover {
    title: String,
    runs: u32,
}

struct Visit {
    run: u32,
    entries: i64,
}

#[derive(Actor)]
#[actor(name = "guest-book")]
struct GuestBook {
    #[state]
    cover: State<Cover>,
}

#[actor]
impl GuestBook {
    #[migrate("migrations/quickstart")]
    fn migrate() {}

    #[create_state]
    fn create_state(cx: &mut Context<'_, Self, Migrated>, title: String) -> Result<Cover> {
        println!(
            "  [{}] create_state: runs once, on a migrated database",
            cx.key()
        );
        Ok(Cover { title, runs: 0 })
    }

    #[on_wake]
    fn say_hello(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        println!("  [{}] on_wake: runs on each start", cx.key());
        Ok(())
    }

    #[on_sleep]
    fn say_good_night(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        println!("  [{}] on_sleep: the last thing that runs", cx.key());
        Ok(())
    }

    #[on_destroy]
    fn say_goodbye(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        println!(
            "  [{}] on_destroy: the data goes with this commit",
            cx.key()
        );
        Ok(())
    }

    #[action]
    fn open(&mut self, cx: &mut Context<'_, Self>) -> Result<Visit> {
        self.cover.runs += 1;
        let entries = entries::table.count().get_result(cx.db())?;
        Ok(Visit {
            run: self.cover.runs,
            entries,
        })
    }

    #[action]
    fn sign(&mut self, cx: &mut Context<'_, Self>, guest: String, words: String) -> Result<i64> {
        let id = diesel::insert_into(entries::table)
            .values((entries::guest.eq(guest), entries::words.eq(words)))
            .returning(entries::id)
            .get_result(cx.db())?;
        Ok(id)
    }

    #[action]
    fn rename_and_sign(
        &mut self,
        cx: &mut Context<'_, Self>,
        title: String,
        guest: String,
        words: String,
    ) -> Result<i64> {
        self.cover.title = title;
        self.sign(cx, guest, words)
    }

    #[action]
    fn title(&self, _cx: &mut Context<'_, Self>) -> Result<String> {
        Ok(self.cover.title.clone())
    }

    #[action]
    fn count(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(entries::table.count().get_result(cx.db())?)
    }
}
