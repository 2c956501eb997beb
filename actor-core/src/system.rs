//! [`System`]: all actors of one data directory, in this process.

mod end;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;

use crate::actor::Handlers;
use crate::builder::Builder;
use crate::clock::Clock;
use crate::error::{CallError, SystemError};
use crate::handle::ActorRef;
use crate::ids::ById;
use crate::key::{IntoKey, Key};
use crate::runtime::{
    Alarms, Cell, Delivered, Delivering, Delivery, Kind, RunQueue, Scheduler, Status, Tasks,
    Waiting, dispose, inside, start_pulse,
};
use crate::store::{self, Durability, Row, Store, StoreError, WakeUp};

/// How many systems this process has started.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// All actors of one data directory, in this process. Cheap to clone.
///
/// Exactly one system may have a data directory at a time. It runs on the tokio runtime that it was started in. Call
/// [`shutdown`](System::shutdown) before the program ends, so that hooks run and files are closed; what was answered is
/// on disk without it as well.
///
/// When the last `System` is dropped that a program has, the actors are put to sleep as by `shutdown`, in the background, and the data
/// directory is given up when the last of them sleeps. Handles do not keep a system: their calls fail with [`CallError::ShutDown`]
/// then. A clone that an actor keeps counts as one that the program has.
pub struct System(Arc<Inner>, Option<Arc<Owner>>);

/// Shared by all [`System`]s that the program has. The framework's own have none.
pub(crate) struct Owner(Weak<Inner>);

impl Clone for System {
    fn clone(&self) -> Self {
        let owner = self.1.clone().or_else(|| self.0.owner.upgrade());
        Self(Arc::clone(&self.0), owner)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(inner) = self.0.upgrade() {
            inner.end_in_background();
        }
    }
}

pub(crate) struct Inner {
    /// Which one it is of those of this process, counted from 1.
    number: u64,
    store: Arc<Store>,
    runtime: Handle,
    runtime_id: tokio::runtime::Id,
    queue: Arc<RunQueue>,
    alarms: Arc<Alarms>,
    /// When the alarms began to count.
    started: SystemTime,
    tasks: Tasks,
    closing: AtomicBool,
    /// Whether the data directory was given up. Locked while that is under way.
    closed: tokio::sync::Mutex<bool>,
    kinds: ById<TypeId, Registered>,
    extensions: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    durability: Durability,
    clock: Clock,
    scheduler: Scheduler,
    waiting: Waiting,
    owner: Weak<Owner>,
}

/// What a system is made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<Store>,
    pub(crate) runtime: Handle,
    pub(crate) kinds: ById<TypeId, Registered>,
    pub(crate) extensions: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    pub(crate) durability: Durability,
    pub(crate) clock: Clock,
}

/// One registered type of actor, without its type.
pub(crate) struct Registered {
    /// An `Arc<Kind<A>>`.
    pub(crate) kind: Box<dyn Any + Send + Sync>,
    /// Asks all its awake actors to sleep.
    pub(crate) sleep_all: fn(&(dyn Any + Send + Sync)),
    /// Answers all who wait for its actors, when the runtime is gone.
    pub(crate) abandon_all: fn(&(dyn Any + Send + Sync)),
    /// Tells all who observe its actors that nothing comes any more.
    pub(crate) end_observers: fn(&(dyn Any + Send + Sync)),
    /// The name of the type.
    pub(crate) name: &'static str,
    /// Whether its actors have databases, and so may be woken for what they stored.
    pub(crate) stored: bool,
    /// Tells an actor that something of its own is due, and wakes it if it sleeps.
    pub(crate) due: fn(&(dyn Any + Send + Sync), &System, Key),
    /// Delivers messages to an actor.
    pub(crate) deliver: fn(&(dyn Any + Send + Sync), &System, Key, Delivery) -> Delivering,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        self.alarms.close();
        // They are the user's, and whoever drops the system last may be a driver.
        self.extensions.drain().for_each(dispose);
    }
}

/// One actor in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its key.
    pub key: Key,
    /// Whether it is awake.
    pub status: Status,
    /// The newest migration that its database has, as Diesel writes versions.
    pub schema_version: Option<String>,
    /// When it was created, to the second.
    pub created_at: SystemTime,
}

impl System {
    /// Begins to set up a system.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(parts: Parts) -> Self {
        let stored = parts.kinds.values().filter(|kind| kind.stored);
        let types = stored.map(|kind| kind.name).collect();
        start_pulse();
        let scheduler = Scheduler::new(parts.clock, Arc::clone(&parts.store), types);
        let mut owner = None;
        let inner = Arc::new_cyclic(|inner: &Weak<Inner>| Inner {
            number: STARTED.fetch_add(1, Ordering::Relaxed) + 1,
            owner: Arc::downgrade(owner.insert(Arc::new(Owner(Weak::clone(inner))))),
            store: parts.store,
            runtime_id: parts.runtime.id(),
            queue: RunQueue::new(&parts.runtime),
            alarms: Alarms::new(&parts.runtime),
            runtime: parts.runtime,
            started: parts.clock.now(),
            tasks: Tasks::default(),
            closing: AtomicBool::new(false),
            closed: tokio::sync::Mutex::new(false),
            kinds: parts.kinds,
            extensions: parts.extensions,
            durability: parts.durability,
            clock: parts.clock,
            scheduler,
            waiting: Waiting::new(parts.clock),
        });
        let this = Arc::downgrade(&inner);
        let abandon = move || {
            let Some(inner) = this.upgrade() else { return };
            for registered in inner.kinds.values() {
                (registered.abandon_all)(&*registered.kind);
                (registered.end_observers)(&*registered.kind);
            }
            inner.waiting.end_takers();
            inner.waiting.end_replies();
        };
        inner.queue.start(Box::new(abandon));
        inner.runtime.spawn(Arc::clone(&inner.alarms).run());
        let this = Arc::downgrade(&inner);
        inner.scheduler.start(&inner.runtime, move |wake_up| {
            let system = Self(this.upgrade()?, None);
            system.wake(&wake_up);
            Some(())
        });
        Self(inner, owner)
    }

    /// Delivers messages to an actor of some type.
    pub(crate) async fn deliver(
        &self,
        actor: &str,
        key: Key,
        delivery: Delivery,
    ) -> Result<Delivered, CallError> {
        let mut kinds = self.0.kinds.values();
        let Some(kind) = kinds.find(|kind| kind.name == actor) else {
            return Ok(Delivered::never(
                &delivery,
                format!("the actor type {actor} is not registered with this system"),
            ));
        };
        (kind.deliver)(&*kind.kind, self, key, delivery).await
    }

    /// Tells an actor that something of its own is due.
    fn wake(&self, wake_up: &WakeUp) {
        let mut kinds = self.0.kinds.values();
        let kind = kinds.find(|kind| kind.name == wake_up.actor);
        if let (Some(kind), Ok(key)) = (kind, Key::from_printed(&wake_up.key)) {
            (kind.due)(&*kind.kind, self, key);
        }
    }

    /// Returns a handle to an actor that should exist. No I/O happens before a call; if it does not exist then, the call fails
    /// with [`CallError::NotFound`].
    ///
    /// A bad key, or a type that is not registered, is the error of each call as well.
    #[must_use]
    pub fn get<A: Handlers>(&self, key: impl IntoKey) -> A::Handle {
        ActorRef::new(self.cell::<A>(key), None).into()
    }

    /// Returns a handle that creates the actor with `input` if a call finds that it does not exist.
    #[must_use]
    pub fn get_or_create<A: Handlers>(&self, key: impl IntoKey, input: A::Input) -> A::Handle {
        ActorRef::new(self.cell::<A>(key), Some(Arc::new(input))).into()
    }

    /// Creates an actor and runs its preamble.
    ///
    /// # Errors
    ///
    /// [`CallError::AlreadyExists`] if the key is taken; [`CallError::Start`] if the preamble fails. When it fails before the commit of the
    /// creation the key stays free.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the creation back.
    pub async fn create<A: Handlers>(
        &self,
        key: impl IntoKey,
        input: A::Input,
    ) -> Result<A::Handle, CallError> {
        let cell = self.cell::<A>(key)?;
        cell.create(input).await?;
        Ok(cell.handle().into())
    }

    /// Lists the actors of a type in the order of their printed keys, at most `limit` behind `after`.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub async fn list<A: Handlers>(
        &self,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Vec<Listed>, StoreError> {
        if !A::__STORED {
            return Ok(self.awake::<A>(after, limit));
        }
        let store = Arc::clone(&self.0.store);
        let after = after.map(|key| key.as_str().to_owned());
        let rows = store::blocking(move || {
            store
                .directory()
                .list(A::NAME, after.as_deref(), i64::from(limit))
        })
        .await?;
        let kind = self.kind::<A>();
        Ok(rows
            .into_iter()
            .filter_map(|row| listed(row, kind.as_deref()))
            .collect())
    }

    /// Lists the actors of a type that is in memory only: those that are awake.
    fn awake<A: Handlers>(&self, after: Option<&Key>, limit: u32) -> Vec<Listed> {
        let live = self.kind::<A>().map_or_else(Vec::new, |kind| kind.live());
        let listed = live.into_iter().filter_map(|cell| {
            let (status, since) = cell.mailbox().awake_since()?;
            let created_at = self.time_of(since);
            let key = cell.key().clone();
            let behind = after.is_none_or(|after| key.as_str() > after.as_str());
            behind.then_some(Listed {
                key,
                status,
                schema_version: None,
                created_at,
            })
        });
        let mut listed: Vec<_> = listed.collect();
        listed.sort_unstable_by(|one, other| one.key.as_str().cmp(other.key.as_str()));
        listed.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        listed
    }

    /// Returns whether the other is this one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns what tells this system from the others of the process, for messages.
    pub(crate) fn label(&self) -> String {
        let (number, root) = (self.0.number, self.0.store.root().display());
        let ended = if self.is_closing() {
            ", which is shut down"
        } else {
            ""
        };
        format!("system {number} in {root}{ended}")
    }

    /// Returns the time of a millisecond of the alarms, by the clock that the system started with.
    pub(crate) fn time_of(&self, millisecond: u64) -> SystemTime {
        self.0.started + Duration::from_millis(millisecond)
    }

    /// Returns what was given to [`Builder::extension`], by its type.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// Puts all actors to sleep and waits until their files are closed, then gives the data directory up.
    ///
    /// Calls that were sent before are answered; later ones fail with [`CallError::ShutDown`], those of hooks too. A second call
    /// waits for the same.
    ///
    /// # Errors
    ///
    /// The data directory could not be closed in order. It is given up all the same: nothing is lost, and the next start brings the
    /// files up to what the log has.
    /// [`SystemError::InsideActor`] in a hook, in an action and in what runs beside an actor; then nothing is shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the shutdown of the actors, but keeps the data directory; a second call gives it up.
    pub async fn shutdown(&self) -> Result<(), SystemError> {
        if let Some(subject) = inside(self) {
            return Err(SystemError::InsideActor { subject });
        }
        self.0.begin_to_end();
        self.0.end().await
    }

    /// Returns the system as the framework itself keeps it, which does not hold off its end.
    pub(crate) fn unowned(&self) -> Self {
        Self(Arc::clone(&self.0), None)
    }

    /// Ends the system as it is: no hook runs, nothing is written, and nobody is waited for but those who use the disk.
    #[cfg(feature = "testing")]
    pub(crate) async fn abandon(&self) {
        self.0.closing.store(true, Ordering::SeqCst);
        self.0.scheduler.stop();
        for registered in self.0.kinds.values() {
            (registered.abandon_all)(&*registered.kind);
        }
        self.0.waiting.end_takers();
        self.0.waiting.end_replies();
        self.0.queue.close();
        self.0.alarms.close();
        let store = Arc::clone(&self.0.store);
        let ended = store::blocking(move || {
            store.give_up();
            Ok(())
        });
        // The disk is not asked any more, and how the log ends is of no interest.
        let _ = ended.await;
        *self.0.closed.lock().await = true;
    }

    /// Gives up the instance of an actor.
    #[cfg(feature = "testing")]
    pub(crate) async fn crash<A: Handlers>(&self, key: impl IntoKey) -> Result<(), CallError> {
        let cell = self.cell::<A>(key)?;
        cell.crash().await
    }

    fn kind<A: Handlers>(&self) -> Option<Arc<Kind<A>>> {
        let registered = self.0.kinds.get(&TypeId::of::<A>())?;
        registered.kind.downcast_ref().cloned()
    }

    fn cell<A: Handlers>(&self, key: impl IntoKey) -> Result<Arc<Cell<A>>, CallError> {
        let kind = self
            .kind::<A>()
            .ok_or(CallError::NotRegistered { actor: A::NAME })?;
        let key = key.into_key().map_err(|source| CallError::Key {
            actor: A::NAME,
            source,
        })?;
        Ok(kind.cell(self, key))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn durability(&self) -> Durability {
        self.0.durability
    }

    pub(crate) fn clock(&self) -> Clock {
        self.0.clock
    }

    pub(crate) fn waiting(&self) -> &Waiting {
        &self.0.waiting
    }

    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.0.scheduler
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::SeqCst)
    }

    #[inline]
    pub(crate) fn runtime_id(&self) -> tokio::runtime::Id {
        self.0.runtime_id
    }

    #[inline]
    pub(crate) fn queue(&self) -> &RunQueue {
        &self.0.queue
    }

    pub(crate) fn alarms(&self) -> &Alarms {
        &self.0.alarms
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }
}

/// Makes a listing's entry of a row; a key that no key prints like is not listed.
fn listed<A: Handlers>(row: Row, kind: Option<&Kind<A>>) -> Option<Listed> {
    let key = Key::from_printed(&row.key).ok()?;
    let status = kind
        .and_then(|kind| kind.find(&key))
        .map_or(Status::Asleep, |cell| cell.mailbox().status());
    let seconds = u64::try_from(row.created_at).unwrap_or(0);
    Some(Listed {
        key,
        status,
        schema_version: row.schema_version,
        created_at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
    })
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System")
            .field("types", &self.0.kinds.len())
            .field("awake", &self.0.tasks.running())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
