//! The calls that an actor stores until they are made, in its own database.
//!
//! # Invariants
//!
//! 1. A call goes from one kind to another, or away, in the transaction of what it caused.
//! 2. Ids are never given twice, also when the call with the highest one is gone.

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

diesel::table! {
    _actor_calls (id) {
        id -> BigInt,
        kind -> Integer,
        name -> Nullable<Text>,
        receiver -> Nullable<Text>,
        input -> Nullable<Text>,
        action -> Text,
        arguments -> Text,
        due -> BigInt,
        scheduled -> BigInt,
        repeats -> Nullable<Text>,
        tries -> Integer,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    _actor_sequences (sender) {
        sender -> Text,
        last -> BigInt,
    }
}

/// What a stored call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Kind {
    /// A timer: a call of the actor itself.
    Timer = 1,
    /// A message to another actor.
    Message = 2,
    /// A message of a queue.
    Queued = 3,
    /// A run of a timer that is over.
    Run = 9,
    /// A timer that failed for good.
    DeadTimer = 11,
    /// A message that failed for good.
    DeadMessage = 12,
    /// A message of a queue that was never acknowledged.
    DeadQueued = 13,
}

impl Kind {
    /// The kinds that failed for good.
    pub(crate) const DEAD: [Self; 3] = [Self::DeadTimer, Self::DeadMessage, Self::DeadQueued];

    /// Returns the kind of a number in the table.
    pub(crate) fn of(number: i32) -> Option<Self> {
        let all = [
            Self::Timer,
            Self::Message,
            Self::Queued,
            Self::Run,
            Self::DeadTimer,
            Self::DeadMessage,
            Self::DeadQueued,
        ];
        all.into_iter().find(|kind| *kind as i32 == number)
    }

    /// Returns what a call becomes that failed for good, or what it was before.
    pub(crate) fn other_side(self) -> Option<Self> {
        match self {
            Self::Timer => Some(Self::DeadTimer),
            Self::DeadTimer => Some(Self::Timer),
            Self::Message => Some(Self::DeadMessage),
            Self::DeadMessage => Some(Self::Message),
            Self::Queued => Some(Self::DeadQueued),
            Self::DeadQueued => Some(Self::Queued),
            Self::Run => None,
        }
    }
}

/// A call to be stored.
#[derive(Clone, Debug, Default, Insertable)]
#[diesel(table_name = _actor_calls)]
pub(crate) struct NewCall {
    /// What it is.
    pub(crate) kind: i32,
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    /// The type and the key of the actor that it goes to, if that is another one.
    pub(crate) receiver: Option<String>,
    /// What that actor is created with if it does not exist, as JSON.
    pub(crate) input: Option<String>,
    /// The name of its action.
    pub(crate) action: String,
    /// The arguments, as JSON.
    pub(crate) arguments: String,
    /// When it is to be made, or tried again.
    pub(crate) due: i64,
    /// The moment that it stands for.
    pub(crate) scheduled: i64,
    /// How it repeats, if it does.
    pub(crate) repeats: Option<String>,
    /// How often it was tried.
    pub(crate) tries: i32,
    /// Why the last try failed.
    pub(crate) error: Option<String>,
}

/// A stored call.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = _actor_calls)]
pub(crate) struct StoredCall {
    /// What tells it from the others of this actor.
    pub(crate) id: i64,
    /// What it is.
    pub(crate) kind: i32,
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    /// The type and the key of the actor that it goes to, if that is another one.
    pub(crate) receiver: Option<String>,
    /// What that actor is created with if it does not exist, as JSON.
    pub(crate) input: Option<String>,
    /// The name of its action.
    pub(crate) action: String,
    /// The arguments, as JSON.
    pub(crate) arguments: String,
    /// When it is to be made or tried again; when it ended, once it has.
    pub(crate) due: i64,
    /// The moment that it stands for.
    pub(crate) scheduled: i64,
    /// How it repeats, if it does.
    pub(crate) repeats: Option<String>,
    /// How often it was tried.
    pub(crate) tries: i32,
    /// Why the last try failed.
    pub(crate) error: Option<String>,
}

/// Returns an id that was never given before.
fn next_id(connection: &mut SqliteConnection) -> QueryResult<i64> {
    diesel::insert_into(_actor_sequences::table)
        .values((
            _actor_sequences::sender.eq(""),
            _actor_sequences::last.eq(1),
        ))
        .on_conflict(_actor_sequences::sender)
        .do_update()
        .set(_actor_sequences::last.eq(_actor_sequences::last + 1))
        .returning(_actor_sequences::last)
        .get_result(connection)
}

/// Stores a call and returns its id.
pub(crate) fn insert(connection: &mut SqliteConnection, call: &NewCall) -> QueryResult<i64> {
    let id = next_id(connection)?;
    diesel::insert_into(_actor_calls::table)
        .values((_actor_calls::id.eq(id), call))
        .execute(connection)?;
    Ok(id)
}

/// Counts the calls of a kind.
pub(crate) fn count(connection: &mut SqliteConnection, kind: Kind) -> QueryResult<i64> {
    _actor_calls::table
        .filter(_actor_calls::kind.eq(kind as i32))
        .count()
        .get_result(connection)
}

/// Returns the call of a kind that is due first, if it is due by `now`.
pub(crate) fn first_due(
    connection: &mut SqliteConnection,
    kind: Kind,
    now: i64,
) -> QueryResult<Option<StoredCall>> {
    _actor_calls::table
        .filter(_actor_calls::kind.eq(kind as i32))
        .filter(_actor_calls::due.le(now))
        .order((_actor_calls::due, _actor_calls::id))
        .select(StoredCall::as_select())
        .first(connection)
        .optional()
}

/// When the actor must be awake next, as far as stored calls are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Earliest {
    /// For a timer.
    pub(crate) timer: Option<i64>,
    /// To deliver a message.
    pub(crate) message: Option<i64>,
    /// For whoever takes from a queue.
    pub(crate) queued: Option<i64>,
    /// For a message of a queue that is not there for the taking yet.
    pub(crate) queued_later: Option<i64>,
}

impl Earliest {
    /// Returns the first of all.
    pub(crate) fn any(self) -> Option<i64> {
        let all = [self.timer, self.message, self.queued];
        all.into_iter().flatten().min()
    }

    /// Returns for what the actor is woken in this process. What is there for the taking wakes nobody: it was there, and
    /// nobody took it.
    pub(crate) fn wake(self) -> Option<i64> {
        let waking = [self.timer, self.message, self.queued_later];
        waking.into_iter().flatten().min()
    }
}

/// Returns when the actor must be awake next.
pub(crate) fn earliest(connection: &mut SqliteConnection, now: i64) -> QueryResult<Earliest> {
    let mut of = |kind: Kind| {
        _actor_calls::table
            .filter(_actor_calls::kind.eq(kind as i32))
            .select(diesel::dsl::min(_actor_calls::due))
            .first(connection)
    };
    let (timer, message, queued) = (of(Kind::Timer)?, of(Kind::Message)?, of(Kind::Queued)?);
    let queued_later = match queued {
        None => None,
        Some(due) if due > now => Some(due),
        Some(_) => _actor_calls::table
            .filter(_actor_calls::kind.eq(Kind::Queued as i32))
            .filter(_actor_calls::due.gt(now))
            .select(diesel::dsl::min(_actor_calls::due))
            .first(connection)?,
    };
    Ok(Earliest {
        timer,
        message,
        queued,
        queued_later,
    })
}

/// Returns when the first of all calls is due that are waited for: what [`Earliest::any`] of [`earliest`] says, in one query.
pub(crate) fn first_waited_for(connection: &mut SqliteConnection) -> QueryResult<Option<i64>> {
    _actor_calls::table
        .filter(_actor_calls::kind.between(Kind::Timer as i32, Kind::Queued as i32))
        .select(diesel::dsl::min(_actor_calls::due))
        .first(connection)
}

/// Returns a call.
pub(crate) fn find(connection: &mut SqliteConnection, id: i64) -> QueryResult<Option<StoredCall>> {
    _actor_calls::table
        .find(id)
        .select(StoredCall::as_select())
        .first(connection)
        .optional()
}

/// Returns the id of the call of a kind that has a name.
pub(crate) fn named(
    connection: &mut SqliteConnection,
    kind: Kind,
    name: &str,
) -> QueryResult<Option<i64>> {
    _actor_calls::table
        .filter(_actor_calls::kind.eq(kind as i32))
        .filter(_actor_calls::name.eq(name))
        .select(_actor_calls::id)
        .first(connection)
        .optional()
}

/// Returns the calls of a kind in the order in which they are due.
pub(crate) fn list(connection: &mut SqliteConnection, kind: Kind) -> QueryResult<Vec<StoredCall>> {
    _actor_calls::table
        .filter(_actor_calls::kind.eq(kind as i32))
        .order((_actor_calls::due, _actor_calls::id))
        .select(StoredCall::as_select())
        .load(connection)
}

/// Returns the calls that failed for good, in the order in which they did.
pub(crate) fn dead(connection: &mut SqliteConnection) -> QueryResult<Vec<StoredCall>> {
    _actor_calls::table
        .filter(_actor_calls::kind.eq_any(Kind::DEAD.map(|kind| kind as i32)))
        .order((_actor_calls::due, _actor_calls::id))
        .select(StoredCall::as_select())
        .load(connection)
}

/// Counts the calls that failed for good.
pub(crate) fn count_dead(connection: &mut SqliteConnection) -> QueryResult<i64> {
    _actor_calls::table
        .filter(_actor_calls::kind.eq_any(Kind::DEAD.map(|kind| kind as i32)))
        .count()
        .get_result(connection)
}

/// Removes a call of a kind. Returns whether it was there.
pub(crate) fn remove(connection: &mut SqliteConnection, kind: Kind, id: i64) -> QueryResult<bool> {
    let of_kind = _actor_calls::table
        .filter(_actor_calls::id.eq(id))
        .filter(_actor_calls::kind.eq(kind as i32));
    Ok(diesel::delete(of_kind).execute(connection)? == 1)
}

/// Writes what became of a call: what it is now, when it is due, and how often it was tried with which error.
pub(crate) fn update(connection: &mut SqliteConnection, call: &StoredCall) -> QueryResult<()> {
    diesel::update(_actor_calls::table.find(call.id))
        .set((
            _actor_calls::kind.eq(call.kind),
            _actor_calls::name.eq(&call.name),
            _actor_calls::receiver.eq(&call.receiver),
            _actor_calls::due.eq(call.due),
            _actor_calls::scheduled.eq(call.scheduled),
            _actor_calls::tries.eq(call.tries),
            _actor_calls::error.eq(&call.error),
        ))
        .execute(connection)
        .map(drop)
}

/// Keeps the newest calls of a kind and removes the others.
pub(crate) fn trim(connection: &mut SqliteConnection, kind: Kind, keep: i64) -> QueryResult<()> {
    let newest = _actor_calls::table
        .filter(_actor_calls::kind.eq(kind as i32))
        .order((_actor_calls::due.desc(), _actor_calls::id.desc()))
        .select(_actor_calls::id)
        .offset(keep)
        .limit(i64::MAX)
        .load::<i64>(connection)?;
    for id in newest {
        diesel::delete(_actor_calls::table.find(id)).execute(connection)?;
    }
    Ok(())
}
