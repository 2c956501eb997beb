//! An actor that watches itself: one hook sees each change of its state, tells others and refuses what must not be; another keeps a table
//! of what went wrong, though all that went wrong is undone.

use std::time::Duration;

use actor_core::prelude::*;
use diesel::prelude::*;

use self::schema::errors;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Shelf>()
        .start()
        .await?;
    let shelf = system.create::<Shelf>("apples", 10).await?;
    let mut low = shelf.subscribe::<Low>()?;

    assert_eq!(shelf.take(4).await?, 6);
    assert_eq!(shelf.take(4).await?, 2);
    let Low { left } = low.next().await.ok_or("the shelf is gone")??;
    println!("only {left} apples are left");
    assert_eq!(left, 2);

    // The hook behind the change refuses it, whichever action it comes from.
    let error = shelf.fill(100).await.unwrap_err();
    println!("refused: {error}");
    // Nobody waits for this one.
    shelf.take(7).tell().await?;
    // And this one panics: the shelf starts again, and is told then.
    let error = shelf.count_worms().await.unwrap_err();
    println!("panicked: {error}");
    // A timer that fails is tried again, and each try is told.
    shelf.take(9).after(Duration::from_millis(10)).await?;
    while shelf.errors().await?.len() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let errors = shelf.errors().await?;
    for (origin, name, error) in &errors {
        println!("{origin} {name}: {error}");
    }
    let names: Vec<_> = errors
        .iter()
        .map(|(origin, name, _)| (&**origin, &**name))
        .collect();
    let told = [
        ("action", "fill"),
        ("action", "take"),
        ("action", "count_worms"),
        ("timer", "take"),
    ];
    assert_eq!(names, told);
    assert_eq!(shelf.take(0).await?, 2);
    system.shutdown().await?;
    Ok(())
}

actor_core::schema! { mod schema = "migrations/watching_itself"; }

/// Little is left.
#[derive(Clone, Event)]
#[event(of(Shelf), name = "low")]
struct Low {
    left: u32,
}

/// How many apples a shelf holds, and below how many it tells of it.
const ROOM: u32 = 50;
const FEW: u32 = 3;

#[derive(Actor)]
#[actor(name = "shelf", restarts = 3, restart_window = "1m")]
struct Shelf {
    #[state]
    apples: State<u32>,
}

#[actor]
impl Shelf {
    #[migrate("migrations/watching_itself")]
    fn migrate() {}

    #[create_state]
    fn create_state(_cx: &mut Context<'_, Self, Migrated>, apples: u32) -> Result<u32> {
        Ok(apples)
    }

    /// A part of what changed the state: the event leaves with its commit, and an error undoes it.
    #[on_state_change]
    fn changed(&mut self, cx: &mut Context<'_, Self>, before: &u32) -> Result<()> {
        let left = *self.apples;
        if left > ROOM {
            return Err(Failure::message(format!(
                "there is no room for {left} apples"
            )));
        }
        if left < FEW && *before >= FEW {
            cx.emit(Low { left });
        }
        Ok(())
    }

    /// Told of what failed once it is undone; what this writes is kept.
    #[on_error]
    fn note(&mut self, cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        diesel::insert_into(errors::table)
            .values((
                errors::origin.eq(report.origin.name()),
                errors::name.eq(report.name),
                errors::error.eq(report.error.to_string()),
            ))
            .execute(cx.db())?;
        Ok(())
    }

    #[action]
    fn take(&mut self, _cx: &mut Context<'_, Self>, apples: u32) -> Result<u32> {
        let left = self.apples.checked_sub(apples);
        *self.apples = left.ok_or_else(|| Failure::message("there are not so many"))?;
        Ok(*self.apples)
    }

    #[action]
    fn fill(&mut self, _cx: &mut Context<'_, Self>, apples: u32) -> Result<()> {
        *self.apples += apples;
        Ok(())
    }

    #[action]
    fn count_worms(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        unimplemented!("nobody has opened an apple yet")
    }

    #[action]
    fn errors(&self, cx: &mut Context<'_, Self>) -> Result<Vec<(String, String, String)>> {
        let all = errors::table.order(errors::id);
        let all = all.select((errors::origin, errors::name, errors::error));
        Ok(all.load(cx.db())?)
    }
}
