//! An account that sends money to others. Its table and its state must always agree, and no cent may come or go.

use actor_core::prelude::*;
use actor_core::{Builder, Clock, MessageId};
use diesel::prelude::*;

use crate::support::{Broken, Faults, Log, builder, reach};

actor_core::schema! { mod schema = "migrations/account"; }

use schema::entries;

/// Begins a system of accounts.
pub(crate) fn accounts(
    directory: &std::path::Path,
    clock: Clock,
    log: &Log,
    faults: &Faults,
) -> Builder {
    builder(directory, log, faults)
        .clock(clock)
        .register::<Account>()
}

/// What an account begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Opening {
    pub(crate) cents: i64,
}

#[derive(Actor)]
#[actor(name = "account", sleep_after = "30s")]
pub(crate) struct Account {
    #[state]
    cents: State<i64>,
}

fn enter(db: &mut actor_core::Db, label: &str, cents: i64) -> Result<()> {
    diesel::insert_into(entries::table)
        .values((entries::label.eq(label), entries::cents.eq(cents)))
        .execute(db)?;
    Ok(())
}

#[actor]
impl Account {
    #[migrate("migrations/account")]
    fn migrate() {}

    #[create_state]
    fn open(cx: &mut Context<'_, Self, Migrated>, opening: Opening) -> Result<i64> {
        enter(cx.db(), "opening", opening.cents)?;
        Ok(opening.cents)
    }

    #[on_create]
    fn greet(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        // An account whose name says so pays its fee when it is opened.
        if cx.key().as_str().starts_with("member") {
            let club = cx.system().get::<Self>("club");
            cx.send(club.deposit("fee", 0))?;
        }
        Ok(())
    }

    #[on_sleep]
    async fn say_good_night(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        if cx.key().as_str() == "child" {
            let parent = cx.system().get::<Self>("parent");
            cx.send(parent.deposit("good night", 0))?;
        }
        reach(cx.system(), "account sleeps").await
    }

    /// Sends money to another account. An empty name is the account itself.
    #[action]
    pub(crate) fn transfer(
        &mut self,
        cx: &mut Context<'_, Self>,
        to: String,
        label: String,
        cents: i64,
    ) -> Result<MessageId> {
        if *self.cents < cents {
            return Err(Broken("the balance").into());
        }
        *self.cents -= cents;
        enter(cx.db(), &label, -cents)?;
        let other = if to.is_empty() {
            cx.handle()
        } else {
            cx.system().get::<Self>(to)
        };
        let sent = cx.send(other.deposit(&*label, cents))?;
        if label == "undo" {
            return Err(Broken("transfer").into());
        }
        Ok(sent)
    }

    /// Sends money to an account that is opened for it.
    #[action]
    pub(crate) fn endow(
        &mut self,
        cx: &mut Context<'_, Self>,
        to: String,
        cents: i64,
    ) -> Result<()> {
        *self.cents -= cents;
        enter(cx.db(), "endow", -cents)?;
        let other = cx.system().get_or_create::<Self>(to, Opening { cents: 0 });
        cx.send(other.deposit("endow", cents))?;
        Ok(())
    }

    /// Takes `&self` and sends all the same.
    #[action]
    pub(crate) fn sly(&self, cx: &mut Context<'_, Self>) -> Result<()> {
        let own = cx.handle();
        cx.send(own.deposit("sly", 1))?;
        Ok(())
    }

    /// Takes money, and fails where it is told to: by the label, or for all.
    #[action]
    pub(crate) fn deposit(
        &mut self,
        cx: &mut Context<'_, Self>,
        label: String,
        cents: i64,
    ) -> Result<()> {
        *self.cents += cents;
        enter(cx.db(), &label, cents)?;
        if let Some(log) = cx.system().extension::<Log>() {
            log.push(format!("{} {label}", cx.key()));
        }
        match label.as_str() {
            "fail" => Err(Broken("deposit").into()),
            "panic" => panic!("deposit panics"),
            _ => Ok(()),
        }
    }

    /// Takes money where it may be told to wait, to fail or to panic.
    #[action]
    pub(crate) async fn deposit_slowly(
        &mut self,
        cx: &mut Context<'_, Self>,
        label: String,
        cents: i64,
    ) -> Result<()> {
        *self.cents += cents;
        enter(cx.db(), &label, cents)?;
        reach(cx.system(), "deposit_slowly").await
    }

    /// Sends money by way of the slow action.
    #[action]
    pub(crate) async fn transfer_slowly(
        &mut self,
        cx: &mut Context<'_, Self>,
        to: String,
        label: String,
        cents: i64,
    ) -> Result<()> {
        *self.cents -= cents;
        enter(cx.db(), &label, -cents)?;
        let other = cx.system().get::<Self>(to);
        cx.send(other.deposit_slowly(label, cents))?;
        reach(cx.system(), "transfer_slowly").await
    }

    /// Returns the balance, having held it against the table.
    #[action]
    pub(crate) fn balance(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        let rows: Vec<i64> = entries::table.select(entries::cents).load(cx.db())?;
        assert_eq!(*self.cents, rows.iter().sum::<i64>());
        Ok(*self.cents)
    }

    #[action]
    pub(crate) fn labels(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(entries::table
            .order(entries::id)
            .select(entries::label)
            .load(cx.db())?)
    }
}
