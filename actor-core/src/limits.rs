//! Every bound of the runtime, with its reason.

use std::time::Duration;

/// How long an actor stays awake with nothing to do: longer than the pauses in one conversation, short
/// enough that a fleet of occasional actors does not stay in memory.
pub const SLEEP_AFTER: Duration = Duration::from_secs(30);

/// How many calls wait in one mailbox before senders wait: at 10 µs to 1 ms for an action, up to a second
/// of work, so that a caller learns of an overload before its own timeout.
pub const MAILBOX_CAPACITY: usize = 1_024;

/// How long an ask waits for its reply: above every default limit of the preamble, so that a slow start
/// is reported as what it is.
pub const ASK_TIMEOUT: Duration = Duration::from_mins(1);

/// How many bytes one part of a key may have: fits an id, an address or a hash.
pub const KEY_PART_BYTES: usize = 128;

/// How many bytes all parts of a key may have together.
pub const KEY_BYTES: usize = 1_024;

/// How many parts a key may have, so that empty parts are bounded too.
pub const KEY_PARTS: usize = 64;

/// The longest name of a file that a key is written out in; longer ones are hashed. File systems allow
/// 255 bytes, of which SQLite's `-journal` and our own suffixes need some.
pub const FILE_STEM_BYTES: usize = 200;

/// How long calls to an actor whose start failed get that error at once, after the first failure.
pub const START_BACKOFF_MIN: Duration = Duration::from_millis(100);

/// The longest such time; it doubles with each failure in a row until here.
pub const START_BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How many events one subscription keeps for a reader that is slow, unless it says otherwise: what 64 actions emit that each
/// emit four, and no more memory than a mailbox.
pub const EVENTS: usize = 256;

/// How many observers of an actor are woken at once by an event: about 20 µs of work. A task wakes the others, and lets other tasks of
/// its worker run in between.
pub const WAKES_AT_ONCE: usize = 64;

/// How long a stopping actor waits for its `#[run]` hooks, and for what else runs beside it, before they are dropped.
pub const STOP_GRACE: Duration = Duration::from_secs(15);

/// How often an actor may panic within the window below and is started again, unless it says otherwise (`restarts = …`): what one bad call that is sent again does, and not
/// what an actor does that cannot work.
pub const CRASHES: u32 = 5;

/// The window in which the panics of an actor are counted, unless it says otherwise (`restart_window = …`).
pub const CRASH_WINDOW: Duration = Duration::from_secs(30);

/// The pause before the start after the second panic in that window; the first start is at once. It doubles with each panic.
pub const CRASH_PAUSE: Duration = Duration::from_millis(100);

/// The longest such pause: as long as one that was given up waits.
pub const CRASH_PAUSE_MAX: Duration = FAILED_MIN;

/// How long calls to an actor that panicked too often are refused, the first time: its crashes are out of the usual window then.
pub const FAILED_MIN: Duration = CRASH_WINDOW;

/// The longest such time; it doubles each time in a row. A row ends when an actor did not panic for a window after it.
pub const FAILED_MAX: Duration = Duration::from_mins(10);

/// How long a `#[run]` hook that failed waits before it is started again, the first time: nobody notices, and one that fails at
/// once does not keep a worker busy.
pub const RUN_BACKOFF_MIN: Duration = Duration::from_millis(100);

/// The longest such time; it doubles with each failure until here.
pub const RUN_BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How long a `#[run]` hook runs until what failed before says nothing about it: as long as the longest pause.
pub const RUN_WELL: Duration = RUN_BACKOFF_MAX;

/// After how many of SQLite's virtual machine steps a running statement looks at its deadline: about
/// 50 µs, so that the look itself costs nothing.
pub const DEADLINE_STEPS: i32 = 4_096;

/// How long one part of a hook or an action may hold a worker of the runtime before it is logged: a hundred times what a
/// small action takes.
pub const HELD_WORKER: Duration = Duration::from_millis(100);

/// The page size of a new actor's database, in bytes: small actors have little data, and each page that is changed stays in memory
/// until the next checkpoint.
pub const PAGE_BYTES: u32 = 1_024;

/// How many actors' files are open at once, where the process may have enough. A file is opened again when it is needed.
pub const OPEN_FILES: usize = 512;

/// How many actors one part of a checkpoint brings up to date before it syncs, where the process may have enough files: each is open
/// meanwhile.
pub const CHECKPOINT_ACTORS: usize = 256;

/// How many files a store has open beside those of its actors: the segments of the log and one that is too long for them, the lock,
/// the data directory, `directory.db`, and five for moments: a directory that is synced, an image, and those of SQLite.
pub const HANDLES_FIXED: usize = LOG_SEGMENTS + 9;

/// Below how many free files a store does not start: it takes half of what is free, and this is what it works with however slowly.
pub const HANDLES_LEAST: usize = HANDLES_FIXED + 8;

/// How long a checkpoint that failed waits before it is tried again, the first time.
pub const CHECKPOINT_RETRY_MIN: Duration = Duration::from_millis(100);

/// The longest such time; it doubles with each failure in a row until here.
pub const CHECKPOINT_RETRY_MAX: Duration = Duration::from_secs(5);

/// How many connections wait for an actor to serve: some for each worker and each type. One takes about 100 KiB.
pub const IDLE_CONNECTIONS: usize = 64;

/// After how many statements a connection looks at the memory of its prepared ones.
pub const STATEMENTS_PER_LOOK: u32 = 1_024;

/// How many bytes the prepared statements of one connection may take before all are forgotten: room for some hundred.
pub const STATEMENT_CACHE_BYTES: i32 = 2 << 20;

/// Up to how many bytes a database is rewritten after a migration, so that its actor can share connections: a few milliseconds, and
/// as many bytes in the log.
pub const CANONICAL_BYTES: u64 = 1 << 20;

/// How many calls an actor handles before it commits and lets other tasks of its worker run: about a millisecond of small
/// actions. Above it the commit is cheap against the calls already, and the first of them should not wait longer.
pub const CALLS_PER_COMMIT: usize = 256;

/// For how long calls of an actor run before the first of them are answered and others run: 256 small actions end before it, and
/// whoever waits behind some slow ones does not notice it. The call that is running then ends first.
pub const TURN_TIME: Duration = Duration::from_millis(5);

/// How many quick calls that are done at once count as one of the 128 things after which a task yields: 2,048 of them take a
/// third of a millisecond.
pub const QUICK_CALLS: u32 = 16;

/// For how long as many calls may take so that they are quick: 2 µs each. So a task that makes them yields after 4 ms at the latest.
pub const QUICK_STRETCH: Duration = Duration::from_micros(32);

/// How often the coarse clock beats that tells which code holds a worker: a fifth of what is too long.
pub const PULSE: Duration = Duration::from_millis(20);

/// How many alarms ring before other tasks of the worker run.
pub const ALARMS_AT_ONCE: usize = 256;

/// How many calls a driver handles before other tasks of its worker run; a cell counts as one more. About a millisecond of
/// small actions.
pub const CALLS_PER_TURN: usize = 256;

/// How many it handles when they are [quick](QUICK_STRETCH): a yield may wake another worker, which costs as much as a hundred of
/// them.
pub const QUICK_CALLS_PER_TURN: usize = 2_048;

/// How many migrations run at once, beside the workers of the runtime, if it has fewer workers than that; else as many as it has workers. So
/// half of the processors' time is left for the actors that do not migrate.
pub const MIGRATIONS_AT_ONCE: usize = 2;

/// How many drivers are started at most besides one for each worker, while those are held: as many as tokio starts threads for
/// code that blocks.
pub const EXTRA_DRIVERS: usize = 512;

/// For how many calls an idle actor keeps the memory that they waited in: those that usually come together.
pub const IDLE_MAIL: usize = 32;

/// How deep actors may run in place of each other, each asked by the one before: what a worker's stack has room for.
pub const IN_PLACE_DEPTH: u32 = 8;

/// Up to how many calls are few to be taken out of a mailbox at once, while others send more.
pub const FEW_CALLS: usize = 8;

/// For how many pauses of a processor an actor waits for more then: about as long as two calls take.
pub const PAUSES: u32 = 10;

/// How many calls of others one that asks handles in place of a driver, behind its own.
pub const CALLS_IN_PLACE: usize = 16;

/// Up to how many files a checkpoint syncs one by one: above it one sync of the whole file system is cheaper, although that
/// one waits for what others have written as well.
pub const FILES_SYNCED_SINGLY: usize = 16;

/// How long a segment of the log is: at 200 bytes for a small action 80,000 of them, so that taking the next segment costs
/// nothing, and small enough that an empty system does not fill a disk.
pub const LOG_SEGMENT_BYTES: u64 = 16 << 20;

/// How many segments the log has at most. A checkpoint is asked for when half of them are in use, so that the other half lasts
/// while it runs. It bounds the space of the log and the time of a recovery.
pub const LOG_SEGMENTS: usize = 8;

/// How many bytes wait for the log before turns wait to begin: half a segment, which is a hundred times what a healthy disk
/// takes with one sync.
pub const LOG_BUFFER_BYTES: usize = 8 << 20;

/// How many failed stretches of the log are told apart: a disk that fails more often than this between good writes is not one
/// whose every pause matters.
pub const LOG_FAILURES: usize = 64;

/// How many timers one actor may have: far above what an actor plans by hand, and few enough that naming one, which looks
/// through all of them, stays below a tenth of a millisecond.
pub const TIMERS: usize = 1_000;

/// How often a stored call is tried before it goes to the dead letters: with the pauses below, about twenty minutes, which
/// outlives the restart of whatever it needs.
pub const STORED_TRIES: u32 = 10;

/// The pause after the first failure of a stored call; it doubles with each failure. An actor that has lost a commit looks after its
/// stored calls after it, too.
pub const RETRY_DELAY_MIN: Duration = Duration::from_secs(2);

/// The longest such pause.
pub const RETRY_DELAY_MAX: Duration = Duration::from_mins(10);

/// By how many percent a pause is shortened at most, so that what failed together is not tried together.
pub const RETRY_JITTER_PERCENT: u32 = 20;

/// How many messages wait in the outbox of one actor: some seconds of work for a receiver, so that a sender learns that its
/// receivers do not keep up.
pub const OUTBOX: usize = 1_000;

/// To how many receivers one actor delivers at once.
pub const PARCELS: usize = 64;

/// How many messages to one receiver are delivered at once: they share a commit of the receiver, and one of the sender.
pub const PARCEL_MESSAGES: usize = 64;

/// How many messages one queue holds, unless it says otherwise: pushing one looks at all of them, which stays below a tenth of
/// a millisecond.
pub const QUEUE_MESSAGES: u32 = 1_000;

/// How long a message of a queue is its taker's, unless the queue says otherwise: a usual job is done by then, and a taker
/// that crashed is not waited for long.
pub const QUEUE_VISIBILITY: Duration = Duration::from_secs(30);

/// How many messages of a queue are taken at once: they are all in memory until they are acknowledged.
pub const QUEUE_BATCH: usize = 100;

/// How many dead letters one actor keeps. What fails for good after that stays where it is, and is tried with the longest
/// pause until there is room: nothing is lost.
pub const DEAD_LETTERS: usize = 1_000;

/// How many runs of timers one actor remembers.
pub const TIMER_RUNS: usize = 100;

/// How many bytes the arguments of a stored call may have, as JSON.
pub const STORED_BYTES: usize = 64 * 1_024;

/// How many levels deep a value of the user's may be nested that is stored: as many as the reader of
/// JSON follows, and few enough for the stack of a worker in a build without optimisation.
pub const VALUE_DEPTH: usize = 127;

/// How many options and newtypes may be around each other in such a value, all levels together. JSON
/// has no level for them, but each takes room on the stack: four for each level of JSON.
pub const VALUE_WRAPPERS: usize = 512;

/// How many wake-ups are read from the directory at once. The scheduler has twice as many in memory at most, which is a few
/// megabytes, however many actors have timers.
pub const WAKE_UPS_PER_PAGE: usize = 8_192;

/// After what time an actor is woken again that did not say when it is to be woken next: it did not start, so not before
/// the longest back-off of a start is over.
pub const WAKE_UP_AGAIN: Duration = START_BACKOFF_MAX;

/// How many actors are awake at once only because something of theirs was due. Beyond it those that have done it sleep early, so that
/// others are woken: an awake actor takes about 6 KiB.
pub const WOKEN: usize = 1_024;

/// How many of them have just been woken and have not done what is due: callers wait behind a few milliseconds of it, and as many
/// share a sync of the log.
pub const WOKEN_AT_WORK: usize = 32;

/// For how long one counts as such: an action that waits for the network lets others be woken meanwhile.
pub const WOKEN_WORKS: Duration = Duration::from_millis(100);

/// For how long one that does not end what is due counts among those that are awake for it.
pub const WOKEN_COUNTS: Duration = Duration::from_secs(5);

/// After what time those are asked again to sleep early that did something: they were about to wait for mail, most likely.
pub const DOZE_AGAIN: Duration = Duration::from_millis(1);

/// How long the scheduler waits at most before it looks at the clock again, which somebody may have set.
pub const CLOCK_CHECK: Duration = Duration::from_mins(1);

/// How many bytes of the text of an error or a panic are kept: it is stored with each call that failed, and a `Display` may write
/// without an end.
pub const ERROR_TEXT_BYTES: usize = 4 * 1_024;

/// How long code of the user's may take that a caller runs in place: longer, and a limit of milliseconds around the call is missed by
/// more than a timer is.
pub const QUICK_RUN: Duration = Duration::from_millis(1);

/// How many runs of an action in a row, or starts of a type of actor, must be quick before a caller runs it in place.
pub const QUICK_RUNS: u32 = 64;

/// The same behind a run that was not quick. Code whose time depends on its arguments keeps a caller for too long once in as many
/// calls.
pub const QUICK_RUNS_AGAIN: u32 = 4_096;

/// How many attempts of stored calls are noted on disk at once: 96 KiB. Of more that run together, the end of the process is not
/// counted for the rest.
pub const ATTEMPTS: usize = 4_096;

/// The page size of the directory, in bytes: some twenty actors, so that a change of one costs little in the log and in memory, and a
/// million of them are five pages deep.
pub const DIRECTORY_PAGE_BYTES: u32 = 2_048;

/// How many KiB of the directory its connection keeps in memory: the rows of some ten thousand actors.
pub const DIRECTORY_CACHE_KIB: u32 = 8 * 1_024;

/// How many rows are read under the lock of the directory that commits take: about a third of a millisecond.
pub const DIRECTORY_PAGE_ROWS: i64 = 256;

/// How many rows one commit has when the directory is built from the actors' files: a few hundred kilobytes of the log.
pub const DIRECTORY_BUILD_ROWS: usize = 1_024;

/// How often a change of the directory is made again because commits before it were lost meanwhile: each time the log has failed to
/// write a batch, after which it waits.
pub const DIRECTORY_ATTEMPTS: u32 = 16;

/// How often a file is read in all where the directory is built anew and its disk fails: what fails for a moment does not hide an actor.
pub const READ_ATTEMPTS: u32 = 3;
