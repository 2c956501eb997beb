//! [`Db`]: the connection that `cx.db()` lends to a hook or an action.

mod between;
mod connection;
mod heard;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use diesel::sqlite::SqliteConnection;

pub use self::connection::Cursor;
use self::connection::{Statement, Words, error};
use self::heard::Heard;
use super::connections::Connections;
use super::pages::Pages;
use super::schema::Schema;
use super::sqlite::{Guarded, Mode, Own};

/// The actor's database, as a Diesel connection with the backend [`Sqlite`](diesel::sqlite::Sqlite).
///
/// All of Diesel's query builder and derives work on it. It is always inside of the transaction of the running
/// hook or action: Diesel's `transaction` is a savepoint, and a raw `BEGIN`, `COMMIT` or `ROLLBACK` is refused, as
/// are `ATTACH`, temporary tables, changes of the schema and most PRAGMAs.
///
/// It cannot be held across an `.await`: call `cx.db()` again behind it. The compiler then says that
/// `Send` is not general enough for `DbUntilAwait`.
pub type Db = DbUntilAwait<'static>;

/// What [`Db`] is an alias of. Its lifetime is a mark for the compiler only.
///
/// Diesel wants every connection to be `Send`, but a future that holds this one while it waits must not be, because
/// the connection serves other actors meanwhile. It is `Send` for `'static` alone, as which it is always lent. A future
/// has to be `Send` for whatever lifetimes the values have that it holds over an `.await`, so that one is refused.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each tells of another thing, and none excludes another"
)]
pub struct DbUntilAwait<'t> {
    seat: Seat,
    /// There from the first statement of a transaction to its end.
    guarded: Option<Box<Guarded>>,
    /// What Diesel believes of our transaction; see [`Db::end_transactions`].
    transactions: AnsiTransactionManager,
    phase: Phase,
    call: Call,
    read_only: bool,
    deadline: Option<Instant>,
    /// Whether a statement was interrupted, of a call whose connection is given back.
    interrupted: bool,
    /// The hook or action that is running, for messages.
    name: &'static str,
    lookup: (),
    heard: Heard,
    /// Whether the call has run no statement of its own yet.
    fresh: bool,
    /// Whether a call left a transaction of Diesel's open, which is not undone yet.
    left_open: bool,
    until_await: PhantomData<UntilAwait<'t>>,
}

// SAFETY: every field but the mark is `Send`, and the mark holds nothing.
#[allow(unsafe_code)]
unsafe impl Send for DbUntilAwait<'static> {}

/// Neither `Send` by itself, nor the same type for two lifetimes.
type UntilAwait<'t> = (*const (), fn(&'t ()) -> &'t ());

/// Whose database it is, and where a connection for it comes from.
pub(super) struct Seat {
    pub(super) pages: Arc<Pages>,
    pub(super) connections: Arc<Connections>,
    pub(super) schema: Schema,
    /// Whether the connection is for this actor alone, from its first statement until it sleeps.
    pub(super) private: bool,
}

/// Where the transaction of the running hook or action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No statement has run yet.
    Idle,
    /// It was begun.
    Open,
}

/// What the transaction is to the call that was entered last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// The call has run no statement yet.
    Untouched,
    /// The transaction is the call's: no call before it has touched the database.
    Whole,
    /// The call has a savepoint in it.
    Part,
}

impl Db {
    /// Returns whose statements it runs.
    pub(super) fn pages(&self) -> &Arc<Pages> {
        &self.seat.pages
    }

    pub(super) fn new(seat: Seat) -> Self {
        Self {
            seat,
            guarded: None,
            transactions: AnsiTransactionManager::default(),
            phase: Phase::Idle,
            call: Call::Untouched,
            read_only: false,
            deadline: None,
            interrupted: false,
            name: "",
            lookup: (),
            heard: Heard::default(),
            fresh: true,
            left_open: false,
            until_await: PhantomData,
        }
    }

    /// Says who will run statements next. The transaction begins with the first of them.
    pub(crate) fn enter(&mut self, name: &'static str, read_only: bool, deadline: Option<Instant>) {
        self.end_transactions();
        self.name = name;
        self.read_only = read_only;
        self.call = Call::Untouched;
        self.deadline = deadline;
        self.interrupted = false;
        if let Some(guarded) = &self.guarded {
            guarded.policy().denied.borrow_mut().take();
            self.prepare_policy(guarded);
        }
    }

    /// Says who runs statements from now on, as a part of the call that was entered last: what it does is kept or undone with it.
    pub(crate) fn go_on(&mut self, name: &'static str) {
        self.end_transactions();
        self.name = name;
        self.interrupted = false;
        self.set_deadline(None);
        if let Some(guarded) = &self.guarded {
            let policy = guarded.policy();
            policy.denied.borrow_mut().take();
            policy.interrupted.set(false);
        }
    }

    /// Lets the callbacks of the connection know who runs statements.
    fn prepare_policy(&self, guarded: &Guarded) {
        let policy = guarded.policy();
        policy.mode.set(Mode::User);
        policy.private.set(self.seat.private);
        policy.deadline.set(self.deadline);
        policy.interrupted.set(false);
        guarded.set_read_only(self.read_only);
    }

    /// Says until when what was entered may run statements.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        if let Some(guarded) = &self.guarded {
            guarded.policy().deadline.set(deadline);
        }
    }

    /// Ends what was entered: nothing of it is the next one's.
    fn leave(&mut self) {
        self.end_transactions();
        self.deadline = None;
        if let Some(guarded) = &self.guarded {
            guarded.policy().deadline.set(None);
        }
    }

    /// Returns whether a statement was interrupted because the deadline had passed.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.guarded.as_ref().map_or(self.interrupted, |guarded| {
            guarded.policy().interrupted.get()
        })
    }

    /// Returns whether the open transaction has begun to write.
    pub(crate) fn has_written(&self) -> bool {
        self.guarded.as_deref().is_some_and(Guarded::has_written)
    }

    /// Runs the framework's own statements, in the same transaction.
    pub(crate) fn internal<T>(
        &mut self,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.open()?;
        let read_only = self.read_only;
        let fresh = self.fresh;
        let guarded = self.seated()?;
        let counts = (!fresh).then(|| guarded.counts());
        let before = guarded.policy().mode.replace(Mode::Internal);
        guarded.set_read_only(false);
        let result = run(&mut guarded.connection);
        if let Some(counts) = counts {
            guarded.restore_counts(counts);
        }
        guarded.set_read_only(read_only);
        guarded.policy().mode.set(before);
        result
    }

    /// Runs the framework's own statements as a part of the call that was entered last: they are undone with it, and refused
    /// where it may only read.
    pub(crate) fn for_call<T>(
        &mut self,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.open_call()?;
        let words = Words {
            read_only: self.read_only,
            name: self.name,
        };
        let fresh = self.fresh;
        let guarded = self.seated()?;
        let counts = (!fresh).then(|| guarded.counts());
        let before = guarded.policy().mode.replace(Mode::Internal);
        let result = run(&mut guarded.connection);
        if let Some(counts) = counts {
            guarded.restore_counts(counts);
        }
        guarded.policy().mode.set(before);
        result.map_err(|cause| words.explain(guarded.policy(), cause))
    }

    /// Runs the framework's own statements outside of any transaction.
    pub(super) fn outside<T>(
        &mut self,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        debug_assert_eq!(self.phase, Phase::Idle, "the last transaction has ended");
        let guarded = self.seated()?;
        let before = guarded.policy().mode.replace(Mode::Internal);
        guarded.set_read_only(false);
        let result = run(&mut guarded.connection);
        guarded.policy().mode.set(before);
        self.give_back();
        result
    }

    /// Returns the connection, taken from those that nobody uses if there is none yet.
    fn seated(&mut self) -> QueryResult<&mut Guarded> {
        if self.guarded.is_none() {
            let seat = &self.seat;
            let taken = if seat.private {
                Connections::open(&seat.pages)
            } else {
                seat.connections.take(&seat.schema, &seat.pages)
            };
            let guarded = taken.map_err(|cause| error(&cause.to_string()))?;
            self.prepare_policy(&guarded);
            self.guarded = Some(guarded);
        }
        Ok(self.guarded.as_mut().expect("it was just taken"))
    }

    /// Lets others have the connection, when the transaction has ended.
    fn give_back(&mut self) {
        if self.seat.private {
            return;
        }
        let Some(guarded) = self.guarded.take() else {
            return;
        };
        self.interrupted = guarded.policy().interrupted.get();
        if guarded.has_leaked() {
            // SQLite cannot close a connection with a statement that nobody finalizes, so it is leaked
            // as well.
            tracing::error!(
                name = self.name,
                "a cursor was never dropped: its connection is given up"
            );
            guarded.unmount();
            std::mem::forget(guarded);
            return;
        }
        self.seat.connections.give_back(self.seat.schema, guarded);
    }

    /// Drops the connection: what it has cached is not what the pages are.
    pub(super) fn discard(&mut self) {
        self.phase = Phase::Idle;
        self.call = Call::Untouched;
        let Some(guarded) = self.guarded.take() else {
            return;
        };
        self.interrupted = guarded.policy().interrupted.get();
        guarded.end_statements();
        guarded.unmount();
        if guarded.has_leaked() {
            std::mem::forget(guarded);
        }
    }

    /// Changes whether the connection is this actor's alone. There must be no transaction.
    pub(super) fn set_private(&mut self, private: bool) {
        debug_assert_eq!(self.phase, Phase::Idle, "the last transaction has ended");
        self.discard();
        self.seat.private = private;
    }

    /// Says which schema the database has from now on.
    pub(super) fn set_schema(&mut self, schema: Schema) {
        self.seat.schema = schema;
        self.set_private(schema.has_virtual_tables);
    }

    /// Commits what ran since the last commit or rollback to the pages; nothing to do if nothing ran.
    pub(super) fn commit(&mut self) -> QueryResult<()> {
        self.leave();
        if self.phase == Phase::Idle {
            return Ok(());
        }
        self.check_open()?;
        self.check_left_open()?;
        self.end_cursors();
        self.outer(Own::Commit)?;
        self.phase = Phase::Idle;
        self.call = Call::Untouched;
        self.give_back();
        Ok(())
    }

    /// Keeps what the call did that was entered last. It must leave the database such that it could commit now.
    pub(crate) fn keep_call(&mut self) -> QueryResult<()> {
        self.leave();
        match self.call {
            Call::Untouched => return Ok(()),
            Call::Whole | Call::Part => self.check_open()?,
        }
        self.check_left_open()?;
        self.end_cursors();
        self.check_foreign_keys()?;
        self.end_deferral()?;
        if self.call == Call::Part {
            self.outer(Own::ReleaseCall)?;
        }
        self.call = Call::Untouched;
        Ok(())
    }

    /// Undoes what the call did that was entered last, and nothing of those before it.
    pub(crate) fn undo_call(&mut self) -> QueryResult<()> {
        self.leave();
        self.left_open = false;
        self.end_cursors();
        match std::mem::replace(&mut self.call, Call::Untouched) {
            Call::Untouched => Ok(()),
            Call::Whole => self.rollback(),
            Call::Part => {
                self.check_open()?;
                self.outer(Own::UndoCall)?;
                self.outer(Own::ReleaseCall)?;
                self.end_deferral()
            }
        }
    }

    /// Refuses a row that refers to none, which SQLite itself would find at the commit only.
    fn check_foreign_keys(&self) -> QueryResult<()> {
        let violated = |guarded: &Guarded| guarded.has_deferred_violations();
        if self.phase == Phase::Open && self.guarded.as_deref().is_some_and(violated) {
            return Err(Error::DatabaseError(
                DatabaseErrorKind::ForeignKeyViolation,
                Box::new("FOREIGN KEY constraint failed".to_owned()),
            ));
        }
        Ok(())
    }

    /// Undoes what ran since the last commit or rollback.
    pub(super) fn rollback(&mut self) -> QueryResult<()> {
        self.leave();
        self.left_open = false;
        if self.phase == Phase::Idle {
            return Ok(());
        }
        self.end_cursors();
        self.phase = Phase::Idle;
        self.call = Call::Untouched;
        // SQLite itself rolls back on some failures, such as an interrupt.
        if !self.is_autocommit() {
            self.outer(Own::Rollback)?;
        }
        self.give_back();
        Ok(())
    }

    fn is_autocommit(&self) -> bool {
        self.guarded.as_deref().is_none_or(Guarded::is_autocommit)
    }

    /// Begins the transaction, if it is not open yet.
    fn open(&mut self) -> QueryResult<()> {
        if self.phase == Phase::Open {
            return self.check_open();
        }
        self.seated()?;
        // It becomes a writing one with the first write, which cannot meet another writer: the pages are this actor's.
        self.outer(Own::Begin)?;
        self.phase = Phase::Open;
        self.call = Call::Whole;
        // What the framework begins on the connection itself is a savepoint in ours, too.
        between::note_one_open(&mut self.seated()?.connection);
        Ok(())
    }

    /// Begins what can be undone for the call alone, if it has not begun yet.
    fn open_call(&mut self) -> QueryResult<()> {
        self.open()?;
        if self.call == Call::Untouched {
            self.outer(Own::SaveCall)?;
            self.call = Call::Part;
        }
        Ok(())
    }

    /// Refuses to go on when SQLite has ended the transaction by itself: each statement would commit alone.
    fn check_open(&self) -> QueryResult<()> {
        if self.is_autocommit() {
            return Err(error(
                "an earlier error rolled the transaction of this action back",
            ));
        }
        Ok(())
    }

    /// Runs a statement that only the framework may run.
    fn outer(&mut self, own: Own) -> QueryResult<()> {
        let read_only = self.read_only;
        let guarded = self.seated()?;
        let mode = guarded.policy().mode.replace(Mode::Internal);
        // It may end what others wrote.
        guarded.set_read_only(false);
        // The end of a transaction must not be interrupted by the deadline that made it necessary.
        let deadline = guarded.policy().deadline.take();
        let result = match guarded.run(own) {
            Some(()) => Ok(()),
            // Once more, to learn why.
            None => guarded.connection.batch_execute(own.text()),
        };
        guarded.policy().deadline.set(deadline);
        guarded.set_read_only(read_only);
        guarded.policy().mode.set(mode);
        result
    }

    /// Begins a statement of the user's.
    fn begin_statement(&mut self) -> QueryResult<Statement<'_>> {
        self.open_call()?;
        let words = Words {
            read_only: self.read_only,
            name: self.name,
        };
        let fresh = std::mem::take(&mut self.fresh);
        let guarded = self.seated()?;
        if fresh {
            guarded.begin_counts();
        }
        guarded.bound_statements();
        let (connection, policy) = guarded.split();
        Ok(Statement {
            connection,
            policy,
            words,
        })
    }
}

impl std::fmt::Debug for DbUntilAwait<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("in", &self.name)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}
