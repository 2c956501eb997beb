//! Every hook, as a user writes them.

use std::collections::HashSet;

use actor_core::prelude::*;
use serde::{Deserialize, Serialize};

/// The state as it was at versions 1 and 2.
#[derive(Deserialize)]
pub struct Topic(String);

#[derive(Clone, Serialize, Deserialize)]
pub struct Settings {
    topic: String,
}

#[derive(Clone)]
pub struct NewRoom {
    pub topic: String,
}

#[derive(Actor)]
#[actor(name = "chat-room", sleep_after = "1m30s", mailbox = 256, restarts = 3, restart_window = "1m", timeouts(create_state = "10s", on_state_change = "2s", on_error = "2s", action = "5s"))]
pub struct ChatRoom {
    #[state(version = 3)]
    settings: State<Settings>,
    #[vars]
    typing: HashSet<String>,
}

#[actor]
impl ChatRoom {
    #[migrate("migrations/room", timeout = "1m")]
    fn migrate() {}

    #[data_migration(after = "2026-11-22-000002", new = false, timeout = "10s")]
    fn fill_slugs(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        let _ = cx.db();
        Ok(())
    }

    #[migrate_state(from = 2)]
    fn name_topic(old: Topic) -> Result<Settings> {
        Ok(Settings { topic: old.0 })
    }

    #[migrate_state(from = 1)]
    fn trim(old: Topic) -> Result<Topic, std::num::ParseIntError> {
        Ok(Topic(old.0.trim().to_owned()))
    }

    #[create_state]
    fn create_state(_cx: &mut Context<'_, Self, Migrated>, input: NewRoom) -> Result<Settings> {
        Ok(Settings { topic: input.topic })
    }

    #[on_create]
    async fn welcome(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        assert!(!cx.state().topic.is_empty());
        Ok(())
    }

    #[create_vars]
    fn create_vars(_cx: &mut Context<'_, Self, Stateful>) -> Result<HashSet<String>> {
        Ok(HashSet::new())
    }

    #[on_wake(after = warm)]
    async fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_wake(before = on_before_start, timeout = "2s")]
    fn warm(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_before_start]
    fn check(&mut self, _: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_state_change(timeout = "1s")]
    fn changed(&mut self, cx: &mut Context<'_, Self>, before: &Settings) -> Result<()> {
        if self.settings.topic != before.topic {
            let _ = cx.db();
        }
        Ok(())
    }

    #[on_error(timeout = "1s")]
    fn note(&mut self, cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        let _ = (cx.db(), report.origin, report.name, report.error.code());
        Ok(())
    }

    #[run]
    async fn prune(mut background: Background<Self>) -> Result<()> {
        background.aborted().await;
        Ok(())
    }

    #[on_sleep]
    async fn rest(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_destroy]
    fn end(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    /// Posts a message.
    #[action(timeout = "3s")]
    async fn post(&mut self, cx: &mut Context<'_, Self>, author: String, body: String) -> Result<usize> {
        let _ = cx.db();
        tokio::task::yield_now().await;
        let _ = cx.db();
        self.typing.remove(&author);
        Ok(body.len())
    }

    #[action]
    fn topic(&self, _cx: &mut Context<'_, Self>) -> Result<String> {
        Ok(self.settings.topic.clone())
    }
}

async fn talk(room: &ChatRoomHandle) -> std::result::Result<(), CallError> {
    let length: usize = room.post("ann", String::from("hello")).await?;
    let topic: String = room.topic().await?;
    room.post("bob", "hi").tell().await?;
    let _ = (length, topic, room.key(), room.clone());
    Ok(())
}

fn main() {
    let _ = talk;
    let _ = System::builder().data_dir("data").register::<ChatRoom>();
}
