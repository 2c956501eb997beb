//! A chat room with all kinds of hooks, several clients at once, sleep and wake, and a listing.

use std::collections::HashSet;

use actor_core::prelude::*;
use diesel::prelude::*;

use self::schema::messages;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let system = System::builder()
        .data_dir(directory.path())
        .register::<ChatRoom>()
        .start()
        .await?;
    let lobby = system.get_or_create::<ChatRoom>(("rust", "lobby"), new_room("actors"));

    // Three clients at once. Each has a clone of the handle, and its own messages stay in its order.
    let clients = ["ann", "bob", "cem"].map(|name| {
        let lobby = lobby.clone();
        tokio::spawn(async move {
            lobby.typing(name).await?;
            for number in 1..=3 {
                lobby.post(name, format!("message {number}")).await?;
            }
            Ok::<_, CallError>(())
        })
    });
    for client in clients {
        client.await??;
    }
    // Told, not asked: it is in the mailbox, behind the others.
    lobby.post("dan", "only one").tell().await?;
    for name in ["ann", "bob", "cem", "dan"] {
        println!("{name}: {}", lobby.by(name).await?.join(", "));
    }
    assert_eq!(
        lobby.by("bob").await?,
        ["message 1", "message 2", "message 3"]
    );
    println!("typing: {}", lobby.who_types().await?.join(", "));
    assert_eq!(lobby.who_types().await?, ["ann", "bob", "cem"]);

    lobby.sleep().await?;
    println!("asleep; the next call wakes the room");
    let last = lobby.history(2).await?;
    for message in &last {
        println!("{}: {} says {:?}", message.id, message.author, message.body);
    }
    assert_eq!(last[0].body, "only one");
    // Vars are in memory only, and on_wake wrote a row of its own each time.
    assert_eq!(lobby.who_types().await?, [""; 0]);
    println!("typing after the wake: nobody");
    assert_eq!(
        lobby.by("room").await?,
        ["welcome to actors", "start 1", "start 2"]
    );
    println!("the room says: {}", lobby.by("room").await?.join(", "));

    let other = system.create::<ChatRoom>(("sql", "lobby"), new_room("tables"));
    println!("sql/lobby has the topic {}", other.await?.topic().await?);
    for room in system.list::<ChatRoom>(None, 10).await? {
        println!("listed: {} is {:?}", room.key, room.status);
    }
    system.shutdown().await?;
    Ok(())
}

fn new_room(topic: &str) -> NewRoom {
    NewRoom {
        topic: topic.to_owned(),
    }
}

actor_core::schema! { mod schema = "migrations/chat_room"; }

#[derive(Queryable, Selectable)]
struct Message {
    id: i64,
    author: String,
    body: String,
}

#[derive(Clone)]
struct NewRoom {
    topic: String,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Settings {
    topic: String,
    starts: u32,
}

#[derive(Actor)]
#[actor(name = "chat-room", sleep_after = "30s")]
struct ChatRoom {
    #[state]
    settings: State<Settings>,
    #[vars]
    typing: HashSet<String>,
}

fn insert(db: &mut actor_core::Db, author: &str, body: &str) -> Result<i64> {
    let id = diesel::insert_into(messages::table)
        .values((messages::author.eq(author), messages::body.eq(body)))
        .returning(messages::id)
        .get_result(db)?;
    Ok(id)
}

#[actor]
impl ChatRoom {
    #[migrate("migrations/chat_room")]
    fn migrate() {}

    #[create_state]
    fn create_state(_cx: &mut Context<'_, Self, Migrated>, input: NewRoom) -> Result<Settings> {
        Ok(Settings {
            topic: input.topic,
            starts: 0,
        })
    }

    /// Commits together with the state, or not at all.
    #[on_create]
    fn welcome(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        let words = format!("welcome to {}", cx.state().topic);
        insert(cx.db(), "room", &words)?;
        Ok(())
    }

    #[create_vars]
    fn create_vars(_cx: &mut Context<'_, Self, Stateful>) -> Result<HashSet<String>> {
        Ok(HashSet::new())
    }

    #[on_wake(after = count)]
    fn say(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        insert(cx.db(), "room", &format!("start {}", self.settings.starts))?;
        Ok(())
    }

    #[on_wake]
    async fn count(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        self.settings.starts += 1;
        Ok(())
    }

    /// Posts a message, and returns its number.
    #[action]
    fn post(&mut self, cx: &mut Context<'_, Self>, author: String, body: String) -> Result<i64> {
        insert(cx.db(), &author, &body)
    }

    #[action]
    fn typing(&mut self, _cx: &mut Context<'_, Self>, author: String) -> Result<()> {
        self.typing.insert(author);
        Ok(())
    }

    #[action]
    fn who_types(&self, _cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        let mut names: Vec<_> = self.typing.iter().cloned().collect();
        names.sort();
        Ok(names)
    }

    #[action]
    fn topic(&self, _cx: &mut Context<'_, Self>) -> Result<String> {
        Ok(self.settings.topic.clone())
    }

    /// Returns what one author wrote, oldest first.
    #[action]
    fn by(&self, cx: &mut Context<'_, Self>, author: String) -> Result<Vec<String>> {
        Ok(messages::table
            .filter(messages::author.eq(author))
            .order(messages::id)
            .select(messages::body)
            .load(cx.db())?)
    }

    /// Returns the last messages, oldest first.
    #[action]
    fn history(&self, cx: &mut Context<'_, Self>, limit: i64) -> Result<Vec<Message>> {
        let mut last: Vec<Message> = messages::table
            .order(messages::id.desc())
            .limit(limit)
            .select(Message::as_select())
            .load(cx.db())?;
        last.reverse();
        Ok(last)
    }
}
