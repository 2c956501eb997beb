//! A game: a loop beside the actor moves its world every few milliseconds and holds it awake while somebody plays. When nobody does, the
//! actor sleeps, and the next game goes on where the last one ended.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{Receipt, Status, Subscription};

/// How long one tick of the game is.
const TICK: Duration = Duration::from_millis(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let system = System::builder()
        .data_dir(directory.path())
        .register::<World>()
        .start()
        .await?;
    let world = system.get_or_create::<World>("meadow", ());
    let mut moves = world.subscribe::<Moved>()?;

    world.games().push(game("ann", 4)).await?;
    watch(&mut moves, 4).await?;
    until_asleep(&world).await;
    println!("nobody plays, and the world sleeps");

    // A game wakes it.
    world.games().push(game("bob", 3)).await?;
    let last = watch(&mut moves, 3).await?;
    assert_eq!(last.map(|moved| (moved.tick, moved.at)), Some((7, 14)));
    until_asleep(&world).await;
    let ticks = world.ticks().await?;
    println!("asleep again; what is saved are {ticks} ticks");
    assert_eq!(ticks, 7);
    system.shutdown().await?;
    Ok(())
}

/// Prints what happens in the world, and returns the last of it.
async fn watch(
    moves: &mut Subscription<Moved>,
    ticks: u32,
) -> Result<Option<Moved>, Box<dyn std::error::Error>> {
    let mut last = None;
    for _ in 0..ticks {
        let step = moves.next().await.ok_or("the world is gone")??;
        println!("tick {}: {} is at {}", step.tick, step.player, step.at);
        last = Some(step);
    }
    Ok(last)
}

async fn until_asleep(world: &WorldHandle) {
    while world.status() != Status::Asleep {
        tokio::time::sleep(TICK).await;
    }
}

fn game(player: &str, ticks: u32) -> Game {
    Game {
        player: player.to_owned(),
        ticks,
    }
}

/// Somebody who wants to play, and for how long.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Game {
    player: String,
    ticks: u32,
}

/// The world has moved.
#[derive(Clone, Event)]
#[event(of(World), name = "moved")]
struct Moved {
    tick: u32,
    player: String,
    at: u32,
}

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Saved {
    ticks: u32,
    at: u32,
}

/// Sleeps sooner than the next tick comes, unless it is held awake.
#[derive(Actor)]
#[actor(name = "world", sleep_after = "2ms")]
struct World {
    #[state]
    saved: State<Saved>,
}

#[actor]
impl World {
    /// Games that wait to be played, one after the other.
    #[queue]
    fn games(game: Game) {}

    /// Runs beside the world. Where it waits for a game the world may sleep; where it plays one, it may not.
    #[run]
    async fn play(mut background: Background<Self>) -> Result<()> {
        let world = background.handle();
        while let Some(game) = background.next(world.games()).await? {
            let _awake = background.keep_awake();
            let Game { player, ticks } = game.message().clone();
            let mut clock = tokio::time::interval(TICK);
            for left in (0..ticks).rev() {
                clock.tick().await;
                // The last tick and the end of the game are one transaction.
                let over = (left == 0).then(|| game.receipt());
                world.tick(player.clone(), over).await?;
            }
        }
        Ok(())
    }

    /// Moves the world.
    #[action]
    fn tick(
        &mut self,
        cx: &mut Context<'_, Self>,
        player: String,
        over: Option<Receipt>,
    ) -> Result<()> {
        self.saved.ticks += 1;
        self.saved.at += 2;
        if let Some(game) = over {
            cx.ack(game)?;
        }
        // Whoever watches learns of it when it is on disk.
        cx.emit(Moved {
            tick: self.saved.ticks,
            player,
            at: self.saved.at,
        });
        Ok(())
    }

    #[action]
    fn ticks(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(self.saved.ticks)
    }
}
