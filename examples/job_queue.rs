//! A queue in an actor: jobs that are on disk until they are done, a worker beside the actor that does them, and an actor that
//! sleeps while there is nothing to do.

use std::path::Path;
use std::time::{Duration, SystemTime};

use actor_core::prelude::*;
use actor_core::{Clock, Receipt, Status};
use diesel::prelude::*;

use self::schema::thumbnails;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Time passes when nothing is left to do, so that the pauses below take no time. A program of yours leaves the clock away.
    let clock = Clock::starting_at(SystemTime::now());
    let directory = tempfile::tempdir()?;
    let system = start(directory.path(), clock).await?;
    let studio = system.get_or_create::<Studio>("berlin", ());
    for name in ["beach.png", "forest.png", "city.png"] {
        // When this returns the picture is on disk, whatever happens to the process.
        studio.pictures().push(picture(name, 1_600)).await?;
    }
    // Who wants to know the result waits for it.
    let width = studio
        .pictures()
        .send_and_wait(picture("river.png", 800))
        .await?;
    println!("river.png is {width} wide now");
    assert_eq!(width, 100);

    // One that cannot be done is tried three times, and is a dead letter then.
    studio.pictures().push(picture("broken.png", 0)).await?;
    tokio::time::sleep(Duration::from_mins(5)).await;
    let letters = studio.dead_letters().await?;
    assert_eq!(letters.len(), 1);
    for letter in letters {
        println!(
            "given up after {} tries: {}",
            letter.tries, letter.arguments
        );
        assert_eq!(letter.arguments, r#"{"name":"broken.png","width":0}"#);
    }

    // The worker waits, and the actor sleeps all the same. The next job wakes it.
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(studio.status(), Status::Asleep);
    studio.pictures().push(picture("night.png", 400)).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let made = studio.thumbnails().await?;
    println!("{made:?}");
    assert_eq!(
        made,
        [
            "beach.png",
            "forest.png",
            "city.png",
            "river.png",
            "night.png"
        ]
    );
    system.shutdown().await?;
    Ok(())
}

async fn start(directory: &Path, clock: Clock) -> Result<System, actor_core::SystemError> {
    System::builder()
        .data_dir(directory)
        .clock(clock)
        .register::<Studio>()
        .start()
        .await
}

fn picture(name: &str, width: u32) -> Picture {
    Picture {
        name: name.to_owned(),
        width,
    }
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Picture {
    name: String,
    width: u32,
}

actor_core::schema! { mod schema = "migrations/job_queue"; }

#[derive(Actor)]
struct Studio {}

#[actor]
impl Studio {
    #[migrate("migrations/job_queue")]
    fn migrate() {}

    /// Pictures that wait to be made small. Whoever waits for one gets its new width.
    #[queue(visibility = "10s", tries = 3)]
    fn pictures(picture: Picture) -> u32 {}

    /// Works beside the actor until it sleeps.
    #[run]
    async fn work(mut background: Background<Self>) -> Result<()> {
        let studio = background.handle();
        while let Some(job) = background.next(studio.pictures()).await? {
            let picture = job.message().clone();
            let width = picture.width / 8;
            if width == 0 {
                println!("{} cannot be made smaller", picture.name);
                job.nack(Duration::from_secs(30)).await?;
            } else if picture.name == "river.png" {
                studio.keep(None, picture.name).await?;
                job.reply(width).await?;
            } else {
                studio.keep(Some(job.receipt()), picture.name).await?;
            }
        }
        Ok(())
    }

    /// Keeps a thumbnail. With a receipt the job ends in the same transaction, so that it is done once.
    #[action]
    fn keep(
        &mut self,
        cx: &mut Context<'_, Self>,
        receipt: Option<Receipt>,
        name: String,
    ) -> Result<()> {
        if let Some(receipt) = receipt
            && !cx.ack(receipt)?
        {
            return Err(Failure::message("somebody else has this job by now"));
        }
        diesel::insert_into(thumbnails::table)
            .values(thumbnails::name.eq(name))
            .execute(cx.db())?;
        Ok(())
    }

    #[action]
    fn thumbnails(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(thumbnails::table
            .order(thumbnails::id)
            .select(thumbnails::name)
            .load(cx.db())?)
    }
}
