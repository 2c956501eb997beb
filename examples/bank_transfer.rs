//! Money that is never lost: accounts send each other messages through their outboxes, while this program kills itself
//! with `kill -9` again and again. In the end every cent is there, and every transfer arrived once.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use actor_core::prelude::*;
use diesel::prelude::*;

use self::schema::entries;

const ACCOUNTS: u64 = 10;
const OPENING_CENTS: i64 = 10_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The program starts itself anew with the directory as its argument.
    if let Some(directory) = std::env::args().nth(1) {
        return transfer_for_ever(Path::new(&directory)).await;
    }
    let directory = tempfile::tempdir()?;
    let system = start(directory.path()).await?;
    for number in 0..ACCOUNTS {
        system.create::<Account>(name(number), ()).await?;
    }
    system.shutdown().await?;
    drop(system);

    for round in 1..=5 {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(directory.path())
            .stdout(Stdio::null())
            .spawn()?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        // No shutdown, no hook: the process is gone, in the middle of transfers.
        child.kill()?;
        child.wait()?;

        let system = start(directory.path()).await?;
        let (mut total, mut transfers) = (0, 0);
        for number in 0..ACCOUNTS {
            // The outboxes of the last process are delivered without a call. We only wait for it.
            let account = system.get::<Account>(name(number));
            while !account.outbox().await?.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        for number in 0..ACCOUNTS {
            let account = system.get::<Account>(name(number));
            total += account.balance().await?;
            transfers += account.transfers().await?;
        }
        println!("killed {round} times: {transfers} transfers, {total} cents");
        assert_eq!(total, OPENING_CENTS * i64::try_from(ACCOUNTS)?);
        assert!(transfers > 0);
        system.shutdown().await?;
    }
    Ok(())
}

/// Transfers money between accounts until the process is killed.
async fn transfer_for_ever(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let system = start(directory).await?;
    for step in 0_u64.. {
        let from = system.get::<Account>(name(step % ACCOUNTS));
        from.transfer(name(step * 7 + 3), 5).tell().await?;
    }
    Ok(())
}

async fn start(directory: &Path) -> Result<System, actor_core::SystemError> {
    System::builder()
        .data_dir(directory)
        .register::<Account>()
        .start()
        .await
}

fn name(number: u64) -> String {
    format!("account {}", number % ACCOUNTS)
}

actor_core::schema! { mod schema = "migrations/bank_transfer"; }

#[derive(Actor)]
struct Account {
    #[state]
    cents: State<i64>,
}

#[actor]
impl Account {
    #[migrate("migrations/bank_transfer")]
    fn migrate() {}

    #[create_state]
    fn open(_cx: &mut Context<'_, Self, Migrated>) -> Result<i64> {
        Ok(OPENING_CENTS)
    }

    /// Takes money from this account and sends it to another one, or does neither.
    #[action]
    fn transfer(&mut self, cx: &mut Context<'_, Self>, to: String, cents: i64) -> Result<()> {
        if *self.cents < cents {
            return Err(Failure::message("there is not enough"));
        }
        *self.cents -= cents;
        enter(cx, -cents)?;
        // The message commits with the withdrawal. It leaves when both are on disk.
        let other = cx.system().get::<Self>(to);
        cx.send(other.deposit(cents))?;
        Ok(())
    }

    /// Takes money in. Its account remembers, in the same transaction, that this message was handled.
    #[action]
    fn deposit(&mut self, cx: &mut Context<'_, Self>, cents: i64) -> Result<()> {
        *self.cents += cents;
        enter(cx, cents)
    }

    #[action]
    fn balance(&self, _cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(*self.cents)
    }

    /// Counts the transfers that arrived here.
    #[action]
    fn transfers(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        let arrived = entries::table.filter(entries::cents.gt(0));
        Ok(arrived.count().get_result(cx.db())?)
    }
}

fn enter(cx: &mut Context<'_, Account>, cents: i64) -> Result<()> {
    diesel::insert_into(entries::table)
        .values(entries::cents.eq(cents))
        .execute(cx.db())?;
    Ok(())
}
