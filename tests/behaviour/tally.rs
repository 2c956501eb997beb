//! An actor whose table and state must always agree.

use std::time::Duration;

use actor_core::prelude::*;
use diesel::prelude::*;

use crate::support::Broken;

actor_core::schema! { mod schema = "migrations/tally"; }

use schema::entries;

/// How a call of [`Tally`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Well,
    Fails,
    Panics,
    Overruns,
}

/// Keeps numbers in a table, and their count and sum in its state.
#[derive(Actor)]
#[actor(name = "tally")]
pub(crate) struct Tally {
    #[state]
    sum: State<Sum>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Sum {
    pub(crate) count: i64,
    pub(crate) total: i64,
}

#[actor]
impl Tally {
    #[migrate("migrations/tally")]
    fn migrate() {}

    /// Adds a number, without waiting for anything.
    #[action]
    pub(crate) fn add(&mut self, cx: &mut Context<'_, Self>, number: i64, end: End) -> Result<Sum> {
        self.sum.count += 1;
        diesel::insert_into(entries::table)
            .values(entries::number.eq(number))
            .execute(cx.db())?;
        self.sum.total += number;
        match end {
            End::Well | End::Overruns => Ok(*self.sum),
            End::Fails => Err(Broken("add").into()),
            End::Panics => panic!("add panics"),
        }
    }

    /// Adds a number, and waits in the middle.
    #[action(timeout = "1s")]
    pub(crate) async fn add_slowly(
        &mut self,
        cx: &mut Context<'_, Self>,
        number: i64,
        end: End,
    ) -> Result<Sum> {
        self.sum.count += 1;
        tokio::task::yield_now().await;
        diesel::insert_into(entries::table)
            .values(entries::number.eq(number))
            .execute(cx.db())?;
        if end == End::Overruns {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        self.sum.total += number;
        match end {
            End::Well | End::Overruns => Ok(*self.sum),
            End::Fails => Err(Broken("add").into()),
            End::Panics => panic!("add panics"),
        }
    }

    /// Reads the table in one statement and the state beside it.
    #[action]
    pub(crate) fn read(&self, cx: &mut Context<'_, Self>) -> Result<(Vec<i64>, Sum)> {
        let numbers = entries::table
            .order(entries::id)
            .select(entries::number)
            .load(cx.db())?;
        Ok((numbers, *self.sum))
    }
}
