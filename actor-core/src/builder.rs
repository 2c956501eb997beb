//! [`Builder`]: sets up a [`System`].

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::actor::Handlers;
use crate::away::Away;
use crate::clock::Clock;
use crate::error::SystemError;
use crate::hooks::Hooks;
use crate::ids::ById;
use crate::observe::metrics::{self, KindMetrics, StoreMetrics};
use crate::runtime::{Kind, Until};
use crate::store::{self, Durability, Migrations, Place, Store, Template};
use crate::system::{Parts, Registered, System};

/// Sets up a [`System`]: where its data is, and which types of actors it has.
pub struct Builder {
    place: Option<Place>,
    types: Vec<Type>,
    extensions: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    durability: Durability,
    clock: Clock,
}

/// A type of actor that was registered.
struct Type {
    id: TypeId,
    /// The name in Rust, with its path and its arguments.
    rust_name: &'static str,
    name: &'static str,
    migrations: Migrations,
    /// Whether it has a database.
    stored: bool,
    /// Whether a new actor runs the migrations itself.
    replays: bool,
    hooks: Hooks,
    register: fn(Option<Built>, KindMetrics) -> Registered,
}

/// The template of a type that has a database.
type Built = Result<Arc<Template>, Arc<store::MigrationError>>;

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            place: None,
            types: Vec::new(),
            extensions: HashMap::new(),
            durability: Durability::Synced,
            clock: Clock::system(),
        }
    }

    /// Sets the data directory. It is made if it is not there.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.place = Some(Place::Directory(path.into()));
        self
    }

    /// Puts the data on a disk in memory.
    #[cfg(feature = "testing")]
    pub(crate) fn simulated(mut self, disk: store::SimDisk) -> Self {
        self.place = Some(Place::Simulated(disk));
        self
    }

    /// Adds a type of actor. Adding one twice is the same as once.
    #[must_use]
    pub fn register<A: Handlers>(mut self) -> Self {
        let id = TypeId::of::<A>();
        if !self.types.iter().any(|known| known.id == id) {
            self.types.push(Type {
                id,
                rust_name: std::any::type_name::<A>(),
                name: A::NAME,
                migrations: A::MIGRATIONS,
                stored: A::__STORED,
                hooks: A::HOOKS,
                replays: A::HOOKS.data_migrations.iter().any(|step| step.new),
                register: registered::<A>,
            });
        }
        self
    }

    /// Adds a value that actors reach by its type, through [`System::extension`]: a client, a configuration. A later one of the
    /// same type replaces it.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(TypeId::of::<T>(), Box::new(value));
        self
    }

    /// Sets what replies may rely on, for actors that do not say themselves; [`Durability::Synced`] if it is not called.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets what the system takes the time from that it stores; [`Clock::system`] if it is not called.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Takes the data directory, and starts the system. No actor is started but those for which a timer is due.
    ///
    /// # Errors
    ///
    /// [`SystemError::InUse`] when another process has the directory; the other variants of [`SystemError`] as they say.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the directory up, in a moment.
    pub async fn start(self) -> Result<System, SystemError> {
        let runtime = Handle::try_current().map_err(|_| SystemError::NoRuntime)?;
        let place = self.place.ok_or(SystemError::NoDataDir)?;
        for (index, this) in self.types.iter().enumerate() {
            let mut before = self.types[..index].iter();
            if let Some(first) = before.find(|other| other.name == this.name) {
                return Err(SystemError::DuplicateName {
                    actor: this.name,
                    first: first.rust_name,
                    second: this.rust_name,
                });
            }
        }
        if cfg!(debug_assertions) {
            check_up_to_date(&self.types)?;
        }
        // Here, and not on another thread: a recorder may be one of this thread.
        metrics::describe();
        let store_metrics = StoreMetrics::register();
        let types = self.types.into_iter().map(|this| {
            let metrics = KindMetrics::register(this.name, &this.hooks);
            (this, metrics)
        });
        let types: Vec<_> = types.collect();
        let away = Away::of(runtime.clone());
        let opened = store::blocking(move || {
            let stored = types.iter().filter(|(this, _)| this.stored);
            let names: Vec<_> = stored.map(|(this, _)| this.name).collect();
            let mut kinds = ById::default();
            let mut templates = Vec::new();
            for (this, metrics) in types {
                let template = if this.stored {
                    let built = Template::build(&this.migrations, this.replays)?;
                    let built = built.map(Arc::new).map_err(Arc::new);
                    templates.extend(built.clone().ok());
                    Some(built)
                } else {
                    None
                };
                kinds.insert(this.id, (this.register)(template, metrics));
            }
            let opened = Store::open(place, &names, &templates, &away, store_metrics);
            Ok(opened.map(|store| (store, kinds)))
        });
        let (store, kinds) = opened.await??;
        Ok(System::new(Parts {
            store: Arc::new(store),
            runtime,
            kinds,
            extensions: self.extensions,
            durability: self.durability,
            clock: self.clock,
        }))
    }
}

/// Refuses a program that was built before its migrations were changed.
fn check_up_to_date(types: &[Type]) -> Result<(), SystemError> {
    for this in types {
        if let Some(migration) = this.migrations.out_of_date() {
            return Err(SystemError::OutOfDate {
                actor: this.name,
                directory: this.migrations.directory(),
                migration,
            });
        }
    }
    Ok(())
}

fn registered<A: Handlers>(template: Option<Built>, metrics: KindMetrics) -> Registered {
    Registered {
        kind: Box::new(Arc::new(Kind::<A>::new(template, metrics))),
        sleep_all: |kind| {
            let kind = kind.downcast_ref::<Arc<Kind<A>>>();
            for cell in kind.into_iter().flat_map(|kind| kind.live()) {
                cell.sleep_now();
            }
        },
        abandon_all: |kind| {
            let kind = kind.downcast_ref::<Arc<Kind<A>>>();
            for cell in kind.into_iter().flat_map(|kind| kind.live()) {
                cell.abandon_life();
            }
        },
        end_observers: |kind| {
            let kind = kind.downcast_ref::<Arc<Kind<A>>>();
            for cell in kind.into_iter().flat_map(|kind| kind.live()) {
                cell.end_observers(Until::Shutdown);
            }
        },
        name: A::NAME,
        stored: A::__STORED,
        due: |kind, system, key| {
            if let Some(kind) = kind.downcast_ref::<Arc<Kind<A>>>() {
                kind.cell(system, key).due();
            }
        },
        deliver: |kind, system, key, delivery| {
            let kind = kind.downcast_ref::<Arc<Kind<A>>>();
            let kind = kind.expect("the kind of this type is registered with it");
            kind.deliver(system, key, delivery)
        },
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.types.iter().map(|this| this.name).collect();
        f.debug_struct("Builder")
            .field("place", &self.place)
            .field("types", &names)
            .finish_non_exhaustive()
    }
}
