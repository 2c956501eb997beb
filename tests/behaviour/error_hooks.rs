//! `#[on_error]`: an actor is told of what failed in it, behind the undoing, and the caller's error does not depend on it.

use std::time::Duration;

use actor_core::Status;
use actor_core::prelude::*;
use actor_core::testing::Lab;
use diesel::prelude::*;

use crate::support::Broken;

actor_core::schema! { mod schema = "migrations/diary"; }

use schema::lines;

/// An error was noted.
#[derive(Clone, Debug, PartialEq, Eq, Event)]
#[event(of(Diary), name = "noted")]
struct Noted(String);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Pages {
    written: u32,
    errors: u32,
}

/// What an instance remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    told: u32,
    changes: u32,
}

/// Writes lines, and notes what failed. The hook itself fails behind `twice`, and panics behind `burst`.
#[derive(Actor)]
#[actor(name = "diary", sleep_after = "never")]
struct Diary {
    #[state]
    pages: State<Pages>,
    #[vars]
    seen: Seen,
}

impl Diary {
    fn end(what: &str) -> Result<u32> {
        match what {
            "ok" => Ok(7),
            "twice" => Err(Broken("twice").into()),
            "burst" => Err(Broken("burst").into()),
            "panic" => panic!("the pen breaks"),
            _ => Err(Broken("write").into()),
        }
    }

    fn line(cx: &mut Context<'_, Self>, origin: &str, name: &str, text: &str) -> Result<()> {
        diesel::insert_into(lines::table)
            .values((
                lines::origin.eq(origin),
                lines::name.eq(name),
                lines::text.eq(text),
            ))
            .execute(cx.db())?;
        Ok(())
    }
}

#[actor]
impl Diary {
    #[migrate("migrations/diary")]
    fn migrate() {}

    #[on_sleep]
    fn close(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        match self.pages.written {
            50 => Err(Broken("close").into()),
            51 => panic!("the lock breaks"),
            _ => Ok(()),
        }
    }

    #[on_destroy]
    fn burn(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        Self::line(cx, "burn", "", "")?;
        match self.pages.written {
            60 => Err(Broken("burn").into()),
            61 => panic!("the fire is out"),
            _ => Ok(()),
        }
    }

    #[on_state_change]
    fn changed(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        self.seen.changes += 1;
        Ok(())
    }

    #[on_error]
    fn note(&mut self, cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        self.seen.told += 1;
        self.pages.errors += 1;
        let text = report.error.to_string();
        Self::line(cx, report.origin.name(), report.name, &text)?;
        cx.emit(Noted(text));
        match report.error.downcast_ref() {
            Some(Broken("twice")) => Err(Broken("note").into()),
            Some(Broken("burst")) => panic!("the ink runs out"),
            _ => Ok(()),
        }
    }

    #[action]
    fn write(&mut self, cx: &mut Context<'_, Self>, what: String) -> Result<u32> {
        self.pages.written += 1;
        Self::line(cx, "own", "write", &what)?;
        Self::end(&what)
    }

    #[action]
    async fn write_slowly(&mut self, cx: &mut Context<'_, Self>, what: String) -> Result<u32> {
        self.pages.written += 1;
        Self::line(cx, "own", "write_slowly", &what)?;
        tokio::task::yield_now().await;
        Self::end(&what)
    }

    #[action(timeout = "1s")]
    async fn write_for_ever(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        Self::line(cx, "own", "write_for_ever", "")?;
        std::future::pending().await
    }

    #[action]
    fn skip_to(&mut self, _cx: &mut Context<'_, Self>, page: u32) -> Result<()> {
        self.pages.written = page;
        Ok(())
    }

    /// Only reads, and finds nothing.
    #[action]
    fn look(&self, cx: &mut Context<'_, Self>) -> Result<()> {
        let _: i64 = lines::table.count().get_result(cx.db())?;
        Err(Broken("look").into())
    }

    #[action]
    fn seen(&self, _cx: &mut Context<'_, Self>) -> Result<Seen> {
        Ok(self.seen)
    }

    #[action]
    fn read(&self, cx: &mut Context<'_, Self>) -> Result<(Pages, Vec<String>)> {
        let rows = lines::table.order(lines::id);
        let rows = rows.select((lines::origin, lines::name, lines::text));
        let rows: Vec<(String, String, String)> = rows.load(cx.db())?;
        let rows = rows.into_iter();
        let rows = rows.map(|(origin, name, text)| format!("{origin} {name}: {text}"));
        Ok((*self.pages, rows.collect()))
    }
}

/// Sends diaries what to write.
#[derive(Actor)]
#[actor(name = "author")]
struct Author {
    #[state]
    sent: State<u32>,
}

#[actor]
impl Author {
    #[action]
    fn dictate(&mut self, cx: &mut Context<'_, Self>, what: String) -> Result<()> {
        *self.sent += 1;
        let diary = cx.system().get_or_create::<Diary>("a", ());
        cx.send(diary.write(what))?;
        Ok(())
    }
}

async fn lab() -> (Lab, DiaryHandle) {
    let lab = Lab::builder().register::<Diary>().register::<Author>();
    let lab = lab.start().await.unwrap();
    let diary = lab.get_or_create::<Diary>("a", ());
    assert_eq!(diary.read().await.unwrap(), (pages(0, 0), vec![]));
    (lab, diary)
}

fn pages(written: u32, errors: u32) -> Pages {
    Pages { written, errors }
}

const FAILED: &str = "`write` of diary \"a\" failed: write is broken";
const PANICKED: &str = "`write` of diary \"a\" panicked: the pen breaks";

#[tokio::test(start_paused = true)]
async fn it_is_told_behind_the_undoing_and_what_it_writes_is_kept() {
    let (mut lab, diary) = lab().await;
    let mut events = diary.subscribe::<Noted>().unwrap();
    assert_eq!(diary.write("fail").await.unwrap_err().to_string(), FAILED);
    let left = (pages(0, 1), vec![format!("action write: {FAILED}")]);
    assert_eq!(diary.read().await.unwrap(), left);
    let noted = events.next().await.unwrap().unwrap();
    assert_eq!(noted, Noted(FAILED.to_owned()));
    // What it changes in the state is a change like any other.
    let seen = Seen {
        told: 1,
        changes: 1,
    };
    assert_eq!(diary.seen().await.unwrap(), seen);
    lab.power_cut().await.unwrap();
    assert_eq!(lab.get::<Diary>("a").read().await.unwrap(), left);
}

#[tokio::test(start_paused = true)]
async fn each_failure_of_a_shared_commit_is_told_and_the_hooks_own_is_not() {
    let (_lab, diary) = lab().await;
    let mut events = diary.subscribe::<Noted>().unwrap();
    let (one, fail, twice, two) = tokio::join!(
        async { diary.write("ok").await },
        async { diary.write("fail").await },
        async { diary.write("twice").await },
        async { diary.write("ok").await },
    );
    assert_eq!((one.unwrap(), two.unwrap()), (7, 7));
    assert_eq!(fail.unwrap_err().to_string(), FAILED);
    let twice = twice.unwrap_err();
    assert_eq!(twice.downcast_ref(), Some(&Broken("twice")));
    let lines = vec![
        "own write: ok".to_owned(),
        format!("action write: {FAILED}"),
        "own write: ok".to_owned(),
    ];
    assert_eq!(diary.read().await.unwrap(), (pages(2, 1), lines));
    assert_eq!(diary.seen().await.unwrap().told, 2);
    assert_eq!(diary.info().crashes, 0);
    // What the hook emitted that failed never leaves.
    diary.write("fail").await.unwrap_err();
    for _ in 0..2 {
        let noted = events.next().await.unwrap().unwrap();
        assert_eq!(noted, Noted(FAILED.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn it_may_write_behind_an_action_that_only_reads() {
    let (mut lab, diary) = lab().await;
    let text = "`look` of diary \"a\" failed: look is broken";
    assert_eq!(diary.look().await.unwrap_err().to_string(), text);
    let left = (pages(0, 1), vec![format!("action look: {text}")]);
    assert_eq!(diary.read().await.unwrap(), left);
    lab.power_cut().await.unwrap();
    assert_eq!(lab.get::<Diary>("a").read().await.unwrap(), left);
}

#[tokio::test(start_paused = true)]
async fn it_is_told_of_async_actions_of_limits_and_of_tells() {
    let (mut lab, diary) = lab().await;
    let error = diary.write_slowly("fail").await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Broken("write")));
    let late = lab.run_until(diary.write_for_ever()).await.unwrap_err();
    assert_eq!(late.code(), "action_timed_out");
    diary.write("fail").tell().await.unwrap();
    lab.idle().await;
    let lines = vec![
        "action write_slowly: `write_slowly` of diary \"a\" failed: write is broken".to_owned(),
        "action write_for_ever: `write_for_ever` of diary \"a\" took longer than 1s".to_owned(),
        format!("action write: {FAILED}"),
    ];
    assert_eq!(diary.read().await.unwrap(), (pages(0, 3), lines));
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_the_next_instance_is_told_before_it_takes_a_call() {
    let (_lab, diary) = lab().await;
    diary.write("ok").await.unwrap();
    let (panicked, seen, read) = tokio::join!(
        async { diary.write("panic").await },
        async { diary.seen().await },
        async { diary.read().await },
    );
    assert_eq!(panicked.unwrap_err().to_string(), PANICKED);
    // The vars are those of the new instance.
    let fresh = Seen {
        told: 1,
        changes: 1,
    };
    assert_eq!(seen.unwrap(), fresh);
    let lines = vec![
        "own write: ok".to_owned(),
        format!("action write: {PANICKED}"),
    ];
    assert_eq!(read.unwrap(), (pages(1, 1), lines));
    assert_eq!(diary.info().crashes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_report_goes_first_and_does_not_change_what_a_sleep_is_behind() {
    let (_lab, diary) = lab().await;
    diary.write("panic").tell().await.unwrap();
    diary.write("ok").tell().await.unwrap();
    // The sleep is behind both calls, and behind the report that comes between them.
    diary.sleep().await.unwrap();
    assert_eq!(diary.status(), Status::Asleep);
    let lines = vec![
        format!("action write: {PANICKED}"),
        "own write: ok".to_owned(),
    ];
    assert_eq!(diary.read().await.unwrap(), (pages(1, 1), lines));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_hook_starts_the_actor_again_and_is_told_to_nobody() {
    let (mut lab, diary) = lab().await;
    let error = diary.write("burst").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`write` of diary \"a\" failed: burst is broken"
    );
    lab.idle().await;
    assert_eq!(diary.seen().await.unwrap(), Seen::default());
    assert_eq!(diary.read().await.unwrap(), (pages(0, 0), vec![]));
    let info = diary.info();
    assert_eq!((info.crashes, info.last_crash.unwrap().name), (1, "note"));
}

#[tokio::test(start_paused = true)]
async fn it_is_told_of_each_try_of_a_timer_and_of_a_message() {
    let (mut lab, diary) = lab().await;
    diary
        .write("fail")
        .after(Duration::from_secs(1))
        .await
        .unwrap();
    lab.advance(Duration::from_secs(1)).await;
    // The second try comes up to 2 s later.
    lab.advance(Duration::from_secs(2)).await;
    let timers = diary.timers().await.unwrap();
    assert_eq!((timers.len(), timers[0].tries), (1, 2));
    diary.cancel_timer(timers[0].id).await.unwrap();
    let line = format!("timer write: {FAILED}");
    let lines = vec![line.clone(), line];
    assert_eq!(diary.read().await.unwrap(), (pages(0, 2), lines));

    let author = lab.get_or_create::<Author>("b", ());
    author.dictate("fail").await.unwrap();
    lab.idle().await;
    let (pages, lines) = diary.read().await.unwrap();
    assert_eq!(pages.errors, 3);
    assert_eq!(lines[2], format!("message write: {FAILED}"));
}

#[tokio::test(start_paused = true)]
async fn it_is_told_of_hooks_that_end_the_actor() {
    let (_lab, diary) = lab().await;
    let mut lines = Vec::new();
    for (page, text) in [
        (50, "`close` of diary \"a\" failed: close is broken"),
        (51, "`close` of diary \"a\" panicked: the lock breaks"),
    ] {
        diary.skip_to(page).await.unwrap();
        diary.sleep().await.unwrap();
        lines.push(format!("on_sleep close: {text}"));
    }
    for (page, text) in [
        (60, "`burn` of diary \"a\" failed: burn is broken"),
        (61, "`burn` of diary \"a\" panicked: the fire is out"),
    ] {
        diary.skip_to(page).await.unwrap();
        assert_eq!(diary.destroy().await.unwrap_err().to_string(), text);
        lines.push(format!("on_destroy burn: {text}"));
    }
    assert_eq!(diary.read().await.unwrap(), (pages(61, 4), lines));
    assert_eq!(diary.seen().await.unwrap().told, 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_not_told_of_what_the_disk_lost_or_a_test_crashed() {
    let (mut lab, diary) = lab().await;
    lab.disk().fail_writes();
    assert_eq!(diary.write("ok").await.unwrap_err().code(), "lost");
    lab.disk().heal();
    lab.crash::<Diary>("a").await.unwrap();
    lab.idle().await;
    assert_eq!(diary.read().await.unwrap(), (pages(0, 0), vec![]));
}
