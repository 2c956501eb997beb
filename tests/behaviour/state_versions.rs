//! Versions of the state: old state is brought to the current version when its actor wakes, or nothing changes.

use std::path::Path;

use actor_core::prelude::*;
use actor_core::{Handlers, StartCause, Step};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::support::{Broken, Fault, Faults, Log, builder, directory, number, reach, tamper};

/// The state of the first program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct First {
    topic: String,
}

/// The state of the second one, of which there is no program any more.
#[derive(Deserialize)]
struct Second {
    title: String,
    language: String,
}

/// The state of the third one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Third {
    title: String,
    languages: Vec<String>,
}

/// The programs that follow each other: the same actor, with other versions of its state.
macro_rules! program {
    ($name:ident { $($state:tt)* }, $directory:literal { $($more:tt)* }) => {
        #[derive(Actor)]
        #[actor(name = "room")]
        struct $name { $($state)* }

        #[actor]
        impl $name {
            #[migrate($directory)]
            fn migrate() {}

            $($more)*
        }
    };
}

program!(Rooms0 {}, "migrations/ledger_v1" {
    #[action]
    fn ping(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
});
program!(Rooms1 { #[state] state: State<First>, }, "migrations/ledger_v1" {
    #[action]
    fn name(&mut self, _cx: &mut Context<'_, Self>, topic: String) -> Result<()> {
        self.state.topic = topic;
        Ok(())
    }
});
program!(Rooms3 { #[state(version = 3)] state: State<Third>, }, "migrations/ledger_v1" {
    // Out of order, because the versions order them.
    #[migrate_state(from = 2)]
    fn allow_languages(old: Second) -> Result<Third> {
        let languages = vec![old.language];
        Ok(Third { title: old.title, languages })
    }

    #[migrate_state(from = 1)]
    fn ask_language(old: First) -> Result<Second, Broken> {
        match old.topic.as_str() {
            "fail" => Err(Broken("ask_language")),
            "panic" => panic!("no language"),
            _ => Ok(Second { title: old.topic.to_uppercase(), language: "en".to_owned() }),
        }
    }

    #[migrate_state(from = 0)]
    fn begin(_old: ()) -> Result<First> {
        Ok(First { topic: "unnamed".to_owned() })
    }

    #[on_wake]
    async fn wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "wake").await
    }

    #[action]
    fn state(&self, _cx: &mut Context<'_, Self>) -> Result<Third> {
        Ok(self.state.clone())
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, language: String) -> Result<()> {
        self.state.languages.push(language);
        Ok(())
    }
});
program!(Migrating3 { #[state(version = 3)] state: State<Third>, }, "migrations/ledger_mended" {
    #[migrate_state(from = 1)]
    fn ask_language(old: First) -> Result<Second> {
        Rooms3::ask_language(old).map_err(Into::into)
    }

    #[migrate_state(from = 2)]
    fn allow_languages(old: Second) -> Result<Third> {
        Rooms3::allow_languages(old)
    }

    #[action]
    fn state(&self, _cx: &mut Context<'_, Self>) -> Result<Third> {
        Ok(self.state.clone())
    }
});
program!(Rooms2 { #[state(version = 2)] state: State<First>, }, "migrations/ledger_v1" {
    #[migrate_state(from = 1)]
    fn same(old: First) -> Result<First> {
        Ok(old)
    }

    #[action]
    fn ping(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
});

const FILE: &str = "room/k_a.db";
const SCHEMA_VERSIONS: &str = "(SELECT count(*) FROM __diesel_schema_migrations)";

/// Reads the version and the text of the saved state.
fn saved(directory: &Path) -> (i64, String) {
    let path = directory.join(FILE);
    let mut connection =
        diesel::sqlite::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let text = diesel::dsl::sql::<diesel::sql_types::Text>("(SELECT value FROM _actor_state)");
    let text = diesel::select(text).get_result(&mut connection).unwrap();
    (
        number(directory, FILE, "(SELECT version FROM _actor_state)"),
        text,
    )
}

async fn program<A: Handlers>(directory: &Path) -> System {
    let builder = builder(directory, &Log::default(), &Faults::default());
    builder.register::<A>().start().await.unwrap()
}

/// Makes a room of the first program.
async fn old_room(topic: &str) -> tempfile::TempDir {
    let directory = directory();
    let system = program::<Rooms1>(directory.path()).await;
    let room = system.get_or_create::<Rooms1>("a", ());
    room.name(topic).await.unwrap();
    system.shutdown().await.unwrap();
    directory
}

#[tokio::test(start_paused = true)]
async fn old_state_takes_every_step_and_is_saved() {
    let directory = old_room("rust").await;
    assert_eq!(
        saved(directory.path()),
        (1, r#"{"topic":"rust"}"#.to_owned())
    );
    let system = program::<Rooms3>(directory.path()).await;
    let room = system.get::<Rooms3>("a");
    let state = Third {
        title: "RUST".to_owned(),
        languages: vec!["en".to_owned()],
    };
    assert_eq!(room.state().await.unwrap(), state);
    system.shutdown().await.unwrap();
    let text = r#"{"title":"RUST","languages":["en"]}"#.to_owned();
    assert_eq!(saved(directory.path()), (3, text));

    // The next start finds it as it is, and an action goes on from there.
    let system = program::<Rooms3>(directory.path()).await;
    let room = system.get::<Rooms3>("a");
    room.add("de").await.unwrap();
    assert_eq!(room.state().await.unwrap().languages, ["en", "de"]);
    system.shutdown().await.unwrap();
    let text = r#"{"title":"RUST","languages":["en","de"]}"#.to_owned();
    assert_eq!(saved(directory.path()), (3, text));
}

#[tokio::test(start_paused = true)]
async fn state_of_a_version_between_enters_there() {
    let directory = old_room("rust").await;
    let state = r#"{"title":"Rust","language":"fr"}"#;
    let sql = format!("UPDATE _actor_state SET version = 2, value = '{state}'");
    tamper(directory.path(), FILE, &sql);
    let system = program::<Rooms3>(directory.path()).await;
    let state = system.get::<Rooms3>("a").state().await.unwrap();
    assert_eq!(
        (state.title.as_str(), state.languages),
        ("Rust", vec!["fr".to_owned()])
    );
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_new_actor_begins_with_the_current_version() {
    let directory = directory();
    let system = program::<Rooms3>(directory.path()).await;
    let room = system.get_or_create::<Rooms3>("a", ());
    assert_eq!(room.state().await.unwrap(), Third::default());
    system.shutdown().await.unwrap();
    let text = r#"{"title":"","languages":[]}"#.to_owned();
    assert_eq!(saved(directory.path()), (3, text));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_had_no_state_begins_at_version_zero() {
    let directory = directory();
    let system = program::<Rooms0>(directory.path()).await;
    system.create::<Rooms0>("a", ()).await.unwrap();
    system.shutdown().await.unwrap();
    assert_eq!(saved(directory.path()), (0, "null".to_owned()));

    // A program without a step from there says so, and changes nothing.
    let before = std::fs::read(directory.path().join(FILE)).unwrap();
    let system = program::<Rooms2>(directory.path()).await;
    let error = system.get::<Rooms2>("a").ping().await.unwrap_err();
    system.shutdown().await.unwrap();
    assert_eq!(
        (error.group(), error.code()),
        ("migration", "no_state_step")
    );
    assert_eq!(
        error.to_string(),
        "room \"a\" did not start: migrate: \
         no step leads from version 0 of the state: write `#[migrate_state(from = 0)]`"
    );
    assert_eq!(std::fs::read(directory.path().join(FILE)).unwrap(), before);

    let system = program::<Rooms3>(directory.path()).await;
    let state = system.get::<Rooms3>("a").state().await.unwrap();
    assert_eq!(state.title, "UNNAMED");
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn newer_state_is_refused_and_nothing_changes() {
    let directory = directory();
    let system = program::<Rooms3>(directory.path()).await;
    system.create::<Rooms3>("a", ()).await.unwrap();
    system.shutdown().await.unwrap();
    let before = std::fs::read(directory.path().join(FILE)).unwrap();

    let system = program::<Rooms1>(directory.path()).await;
    // A handle that may create the actor must not replace it.
    let room = system.get_or_create::<Rooms1>("a", ());
    let error = room.name("old").await.unwrap_err();
    system.shutdown().await.unwrap();
    assert_eq!((error.group(), error.code()), ("migration", "newer_state"));
    assert_eq!(
        error.to_string(),
        "room \"a\" did not start: migrate: \
         the state has version 3, which is newer than the program's, 1"
    );
    assert_eq!(std::fs::read(directory.path().join(FILE)).unwrap(), before);

    // So is the state of an actor that has none any more: it would be lost.
    let system = program::<Rooms0>(directory.path()).await;
    let error = system.get::<Rooms0>("a").ping().await.unwrap_err();
    system.shutdown().await.unwrap();
    assert_eq!(error.code(), "newer_state");
    assert_eq!(std::fs::read(directory.path().join(FILE)).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn a_file_without_state_is_refused() {
    let directory = old_room("rust").await;
    tamper(directory.path(), FILE, "DELETE FROM _actor_state");
    let before = std::fs::read(directory.path().join(FILE)).unwrap();
    let system = program::<Rooms3>(directory.path()).await;
    let error = system.get::<Rooms3>("a").state().await.unwrap_err();
    system.shutdown().await.unwrap();
    assert_eq!((error.group(), error.code()), ("store", "corrupt"));
    let text = error.to_string();
    assert!(text.starts_with("room \"a\" did not start: "), "{text}");
    assert!(
        text.ends_with("k_a.db is damaged: it has no state"),
        "{text}"
    );
    assert_eq!(std::fs::read(directory.path().join(FILE)).unwrap(), before);
}

/// Starts a program whose step fails, and holds the error and the file against what they should be.
async fn refused_step(topic: &str, code: (&str, &str), text: &str) -> CallError {
    let directory = old_room(topic).await;
    let before = std::fs::read(directory.path().join(FILE)).unwrap();
    let system = program::<Rooms3>(directory.path()).await;
    let error = system.get::<Rooms3>("a").state().await.unwrap_err();
    system.shutdown().await.unwrap();
    assert_eq!((error.group(), error.code()), code);
    assert_eq!(
        error.to_string(),
        format!("room \"a\" did not start: migrate (`ask_language`){text}")
    );
    assert_eq!(std::fs::read(directory.path().join(FILE)).unwrap(), before);
    error
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_leaves_the_file_as_it_is() {
    let error = refused_step(
        "fail",
        ("migration", "state_step_failed"),
        ": the step `ask_language` of the state from version 1 failed: ask_language is broken",
    )
    .await;
    let CallError::Start(error) = error else {
        panic!("not a start error")
    };
    assert_eq!(error.step, Some(Step::Migrate));
    assert!(matches!(error.cause, StartCause::Migration(_)));
    refused_step(
        "panic",
        ("start", "hook_panicked"),
        " panicked: no language",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn saved_state_that_does_not_fit_its_step_leaves_the_file_as_it_is() {
    let directory = old_room("rust").await;
    tamper(
        directory.path(),
        FILE,
        r#"UPDATE _actor_state SET value = '{"tpic":"rust"}'"#,
    );
    let before = std::fs::read(directory.path().join(FILE)).unwrap();
    let system = program::<Rooms3>(directory.path()).await;
    let error = system.get::<Rooms3>("a").state().await.unwrap_err();
    system.shutdown().await.unwrap();
    assert_eq!(
        (error.group(), error.code()),
        ("migration", "state_step_failed")
    );
    assert_eq!(
        error.to_string(),
        "room \"a\" did not start: migrate (`ask_language`): \
         the step `ask_language` of the state from version 1 failed: state: missing field `topic` at line 1 column 15"
    );
    assert_eq!(std::fs::read(directory.path().join(FILE)).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_after_the_steps_undoes_them() {
    let directory = old_room("rust").await;
    let faults = Faults::default();
    faults.set("wake", Fault::Fail);
    let builder = builder(directory.path(), &Log::default(), &faults);
    let system = builder.register::<Rooms3>().start().await.unwrap();
    let error = system.get::<Rooms3>("a").state().await.unwrap_err();
    system.shutdown().await.unwrap();
    assert_eq!((error.group(), error.code()), ("start", "hook_failed"));
    assert_eq!(
        saved(directory.path()),
        (1, r#"{"topic":"rust"}"#.to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn pending_migrations_and_steps_of_the_state_commit_together() {
    let directory = old_room("fail").await;
    let system = program::<Migrating3>(directory.path()).await;
    let error = system.get::<Migrating3>("a").state().await.unwrap_err();
    system.shutdown().await.unwrap();
    assert_eq!(
        (error.group(), error.code()),
        ("migration", "state_step_failed")
    );
    assert_eq!(number(directory.path(), FILE, SCHEMA_VERSIONS), 1);
    assert_eq!(
        saved(directory.path()),
        (1, r#"{"topic":"fail"}"#.to_owned())
    );

    // So the old program still opens it, and what it saves can be migrated.
    let system = program::<Rooms1>(directory.path()).await;
    system.get::<Rooms1>("a").name("rust").await.unwrap();
    system.shutdown().await.unwrap();
    let system = program::<Migrating3>(directory.path()).await;
    let state = system.get::<Migrating3>("a").state().await.unwrap();
    assert_eq!(state.title, "RUST");
    system.shutdown().await.unwrap();
    assert_eq!(number(directory.path(), FILE, SCHEMA_VERSIONS), 3);
    assert_eq!(saved(directory.path()).0, 3);
}
