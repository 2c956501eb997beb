//! [`Shop`]: an actor that has everything that is counted and traced.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::testing::{Lab, LabBuilder};

use crate::support::Broken;

/// An actor that has everything that is counted and traced.
#[derive(Actor)]
#[actor(name = "shop", mailbox = 2, sleep_after = "1h")]
pub(crate) struct Shop {
    #[state]
    books: State<Books>,
}

/// What a shop keeps.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Books {
    sold: u32,
    note: String,
}

#[actor]
impl Shop {
    /// Cannot open where nothing is sold.
    #[on_create]
    fn open(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        if cx.key().as_str() == "ruin" {
            return Err(Broken("shop").into());
        }
        Ok(())
    }

    /// Fails, panics, or sells so many.
    #[action]
    pub(crate) fn sell(&mut self, _cx: &mut Context<'_, Self>, number: u32) -> Result<u32> {
        match number {
            0 => Err(Broken("till").into()),
            13 => panic!("unlucky"),
            _ => {
                self.books.sold += number;
                Ok(self.books.sold)
            }
        }
    }

    #[action]
    pub(crate) fn sold(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(self.books.sold)
    }

    /// Writes a note over the last one.
    #[action]
    pub(crate) fn note(&mut self, _cx: &mut Context<'_, Self>, note: String) -> Result<()> {
        self.books.note = note;
        Ok(())
    }

    /// Takes an hour, and has a second.
    #[action(timeout = "1s")]
    pub(crate) async fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        tokio::time::sleep(Duration::from_hours(1)).await;
        Ok(())
    }

    /// Has another shop sell.
    #[action]
    pub(crate) fn order(
        &mut self,
        cx: &mut Context<'_, Self>,
        from: String,
        number: u32,
    ) -> Result<()> {
        let other = cx.system().get::<Self>(from);
        cx.send(other.sell(number))?;
        Ok(())
    }

    /// Begins something that goes on beside the shop.
    #[action]
    pub(crate) fn hire(&mut self, cx: &mut Context<'_, Self>, steals: bool) -> Result<()> {
        let shop = cx.handle();
        cx.keep_awake(async move {
            assert!(!steals, "caught");
            shop.sell(1).await.unwrap();
            tracing::info!("sold one");
        });
        Ok(())
    }

    #[on_destroy]
    fn close(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        tracing::info!("closing down");
        Ok(())
    }

    /// What is to be carried away.
    #[queue(visibility = "30s", tries = 2)]
    pub(crate) fn parcels(parcel: String) {}

    /// Waits for the end, or fails where nobody works.
    #[run]
    async fn carry(mut background: Background<Self>) -> Result<()> {
        let shop = background.handle();
        if shop.key().is_some_and(|key| key.as_str() == "strike") {
            return Err(Broken("cart").into());
        }
        background.aborted().await;
        tracing::info!("no more parcels");
        Ok(())
    }
}

/// Shops that are open.
pub(crate) async fn open(names: &[&str]) -> Lab {
    let mut lab = shops().start().await.unwrap();
    for name in names {
        lab.create::<Shop>(*name, ()).await.unwrap();
    }
    lab.idle().await;
    lab
}

/// Shops in a lab.
pub(crate) fn shops() -> LabBuilder {
    Lab::builder().register::<Shop>()
}
