//! The line for room, and with it the mailbox, under a scheduler that decides who goes on at every lock and wait: nobody waits in
//! the line for ever, and nothing is lost. `cargo test -p actor-core --lib room`.
//!
//! The mailbox is compiled a second time, with the lock of `shuttle`, and is sent real calls of a real actor. The model is what stands
//! around it: those who ask and tell ([`Cell::poll_send`](crate::runtime::Cell)), and one who runs the cell when it is queued.
//! `SHUTTLE_RANDOM_SEED` repeats a schedule that failed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};

use shuttle::future::block_on;
use shuttle::sync::{Condvar, Mutex as Locked};
use shuttle::thread;

use crate::observe::metrics::Start;
use crate::observe::trace::Caller;
use crate::prelude::*;
use crate::runtime::actions::Direct;
use crate::runtime::baton::Due;
use crate::runtime::instance::Instance;
use crate::runtime::life::Life;
use crate::runtime::mail::Mail;
use crate::runtime::preamble::Started;
use crate::runtime::room::Place;
use crate::runtime::slots::ReplySlot;
use crate::runtime::turn::Turn;

// The same source, with another lock.
#[path = "../mailbox.rs"]
#[allow(clippy::duplicate_mod, dead_code, unreachable_pub)]
mod mailbox;

use mailbox::{Mailbox, Posted, Pushed, Sending, Status, Taken, Unsent, Way};

/// What `shuttle` has in place of [`crate::runtime::sync`].
mod sync {
    pub(super) use shuttle::sync::MutexGuard;

    #[derive(Debug, Default)]
    pub(super) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(super) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(super) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }

        pub(super) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap()
        }
    }
}

/// Has room for one call, and remembers which it has handled.
#[derive(Actor)]
#[actor(name = "narrow", mailbox = 1, sleep_after = "never", crate = crate)]
struct Narrow {
    #[vars]
    handled: Vec<u32>,
}

#[actor(crate = crate)]
impl Narrow {
    #[action]
    fn handle(&mut self, _cx: &mut Context<'_, Self>, number: u32) -> Result<u32> {
        self.handled.push(number);
        Ok(number)
    }
}

/// An actor that is awake, in a system that is none of the model's threads.
#[derive(Clone)]
struct World {
    handle: NarrowHandle,
    _system: System,
    _runtime: Arc<tokio::runtime::Runtime>,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let system = System::builder()
            .data_dir(directory.path())
            .register::<Narrow>();
        let system = runtime.block_on(system.start()).unwrap();
        Self {
            handle: system.get::<Narrow>("a"),
            _system: system,
            _runtime: Arc::new(runtime),
        }
    }

    fn message(&self, number: u32) -> <Narrow as crate::Handlers>::Message {
        self.handle.handle(number).into_parts().1
    }

    fn instance(&self) -> Box<Instance<Narrow>> {
        let cell = Arc::clone(self.handle.cell().unwrap());
        let turn = Turn::in_memory(cell);
        let actor = Narrow {
            handled: Vec::new(),
        };
        Box::new(Instance::new(Started {
            actor,
            turn,
            first: None,
            start: Start::New,
        }))
    }
}

/// What became of a call that was sent.
enum Sent {
    Told,
    /// It was handled where it was made.
    Done(u32),
    /// Its reply will be in this place.
    Queued(ReplySlot<Narrow>),
}

/// What a cell is in the model: its mailbox, and whether it is in the run queue.
struct Model {
    world: World,
    mailbox: Mailbox<Narrow>,
    queue: Locked<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    queued: bool,
    closed: bool,
}

impl Model {
    fn new(world: &World) -> Arc<Self> {
        let mailbox = Mailbox::new(None);
        let mut inner = mailbox.lock();
        inner.status = Status::Awake;
        inner.life = Some(Life::Awake(world.instance()));
        inner.baton.listen();
        drop(inner);
        Arc::new(Self {
            world: world.clone(),
            mailbox,
            queue: Locked::default(),
            changed: Condvar::new(),
        })
    }

    fn enqueue(&self) {
        let mut queue = self.queue.lock().unwrap();
        assert!(!queue.queued, "a cell is in the run queue once");
        queue.queued = true;
        drop(queue);
        self.changed.notify_one();
    }

    fn follow(&self, pushed: Pushed<Narrow>) {
        match pushed {
            Pushed::Delivered => {}
            Pushed::Queue => self.enqueue(),
            Pushed::Run(life) => self.run(life),
            Pushed::Start => unreachable!("it is awake"),
        }
    }

    /// Sends a call as a handle does, or waits in the line.
    fn poll_send(
        &self,
        sending: &mut Sending<'_, Narrow>,
        place: &mut Option<Place>,
        task: &Task<'_>,
    ) -> Poll<Sent> {
        let way = match sending.asker {
            Some(_) => Way::Direct,
            None => Way::Queued,
        };
        loop {
            if place.is_some() && self.mailbox.poll_room(place, task.waker()).is_pending() {
                return Poll::Pending;
            }
            let pushed = self
                .mailbox
                .push_call(sending, place, way, &mut Caller::default());
            match pushed {
                Ok(Posted::Direct(mut instance, message)) => {
                    let number = handle(&mut instance, message);
                    self.give_back(instance);
                    return Poll::Ready(Sent::Done(number));
                }
                Ok(Posted::Sent(slot, pushed)) => {
                    assert!(self.mailbox.lock().used() <= 1, "it holds one call");
                    self.follow(pushed);
                    return Poll::Ready(slot.map_or(Sent::Told, Sent::Queued));
                }
                Err(Unsent::Full) => {
                    if self.mailbox.poll_room(place, task.waker()).is_pending() {
                        return Poll::Pending;
                    }
                }
                Err(Unsent::Unknown | Unsent::Refused(_)) => {
                    unreachable!("nobody looks or refuses")
                }
            }
        }
    }

    /// Asks, and returns the reply.
    fn ask(&self, number: u32) -> u32 {
        let (mut message, mut place) = (Some(self.world.message(number)), None);
        let sent = std::future::poll_fn(|task| {
            let mut sending = sending(&mut message, Some(task.waker()));
            self.poll_send(&mut sending, &mut place, task)
        });
        match block_on(sent) {
            Sent::Told => unreachable!("an ask is not told"),
            Sent::Done(number) => number,
            Sent::Queued(slot) => {
                let reply = block_on(std::future::poll_fn(|task| slot.poll(task.waker())));
                assert!(reply.is_ok());
                number
            }
        }
    }

    fn tell(&self, number: u32) {
        let (mut message, mut place) = (Some(self.world.message(number)), None);
        let sent = block_on(std::future::poll_fn(|task| {
            let mut sending = sending(&mut message, None);
            self.poll_send(&mut sending, &mut place, task)
        }));
        assert!(matches!(sent, Sent::Told), "nobody waits for a tell");
    }

    /// Asks, and gives it up when it has to wait for room. Returns whether it was handled, or will be.
    fn ask_once(&self, number: u32) -> bool {
        let (mut message, mut place) = (Some(self.world.message(number)), None);
        let task = &Task::from_waker(Waker::noop());
        let polled = {
            let mut sending = sending(&mut message, Some(task.waker()));
            self.poll_send(&mut sending, &mut place, task)
        };
        // Others go on meanwhile; it may be granted room that it never takes.
        thread::yield_now();
        if let Some(place) = place {
            self.mailbox.leave_room(place);
        }
        if let Poll::Ready(Sent::Queued(slot)) = &polled {
            slot.abandon();
        }
        polled.is_ready()
    }

    /// Runs the cell whenever it is queued.
    fn drive(&self) {
        loop {
            let mut queue = self.queue.lock().unwrap();
            while !queue.queued && !queue.closed {
                queue = self.changed.wait(queue).unwrap();
            }
            if !queue.queued {
                return;
            }
            queue.queued = false;
            drop(queue);
            let mut inner = self.mailbox.lock();
            inner.baton.begin();
            let life = inner.life.take().expect("nobody had the life");
            drop(inner);
            self.run(life);
        }
    }

    fn run(&self, life: Life<Narrow>) {
        let Life::Awake(mut instance) = life else {
            unreachable!("it never waits");
        };
        let (mut taken, mut answers) = (VecDeque::new(), Vec::new());
        while let Taken::Mail = self.mailbox.take(&mut taken) {
            while let Some(mail) = taken.pop_front() {
                let Mail::Action { message, reply, .. } = mail else {
                    unreachable!("it is sent calls only");
                };
                let number = handle(&mut instance, message);
                answers.extend(reply.map(|slot| (slot, Ok(self.reply(number)))));
                self.mailbox.complete_now(&mut answers, taken.len());
            }
        }
        self.give_back(instance);
    }

    /// Returns what an action replies that was handled already.
    fn reply(&self, number: u32) -> <Narrow as crate::Handlers>::Reply {
        let (mut instance, message) = (self.world.instance(), self.world.message(number));
        match instance.handle_direct(message, None).0 {
            Direct::Reply(reply) => reply.unwrap(),
            Direct::Later(_) => unreachable!("it is in memory"),
        }
    }

    fn give_back(&self, instance: Box<Instance<Narrow>>) {
        let mut inner = self.mailbox.lock();
        let more = inner.has_next();
        inner.baton.listen();
        inner.life = Some(Life::Awake(instance));
        let due = inner.baton.end(more);
        drop(inner);
        if due == Due::Queue {
            self.enqueue();
        }
    }

    /// Ends the one that runs the cell, and returns what was handled.
    fn finish(&self, driver: thread::JoinHandle<()>) -> Vec<u32> {
        self.queue.lock().unwrap().closed = true;
        self.changed.notify_all();
        driver.join().unwrap();
        let mut inner = self.mailbox.lock();
        assert_eq!(inner.used(), 0, "nothing is left in the mailbox");
        let Some(Life::Awake(instance)) = inner.life.take() else {
            unreachable!("nobody runs it");
        };
        instance.actor.handled.clone()
    }
}

fn sending<'s>(
    message: &'s mut Option<<Narrow as crate::Handlers>::Message>,
    asker: Option<&'s Waker>,
) -> Sending<'s, Narrow> {
    Sending {
        message,
        input: None,
        chain: None,
        asker,
        has_time: true,
    }
}

/// Has the actor handle a call, and returns its number.
fn handle(instance: &mut Instance<Narrow>, message: <Narrow as crate::Handlers>::Message) -> u32 {
    let (direct, _) = instance.handle_direct(message, None);
    assert!(matches!(direct, Direct::Reply(Ok(_))));
    *instance.actor.handled.last().expect("it was just handled")
}

/// Checks a property under many random schedules, and under schedules with few preemptions at the worst places.
fn check(property: fn(&World)) {
    let world = World::new();
    let random = world.clone();
    shuttle::check_random(move || property(&random), 3_000);
    shuttle::check_pct(move || property(&world), 3_000, 3);
}

/// Runs something on a thread of its own.
fn spawn<T: Send + 'static>(
    model: &Arc<Model>,
    run: impl FnOnce(&Model) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let model = Arc::clone(model);
    thread::spawn(move || run(&model))
}

#[test]
fn everybody_in_the_line_gets_room_and_nothing_is_lost() {
    check(|world| {
        let model = Model::new(world);
        let driver = spawn(&model, Model::drive);
        let askers = [10, 20, 30].map(|first| {
            spawn(&model, move |model| {
                assert_eq!(model.ask(first), first);
                assert_eq!(model.ask(first + 1), first + 1);
            })
        });
        model.tell(40);
        model.tell(41);
        for asker in askers {
            asker.join().unwrap();
        }
        let mut handled = model.finish(driver);
        for sender in 1..=4 {
            let own = handled.iter().filter(|number| *number / 10 == sender);
            assert!(own.is_sorted(), "{handled:?}");
        }
        handled.sort_unstable();
        assert_eq!(handled, [10, 11, 20, 21, 30, 31, 40, 41]);
    });
}

#[test]
fn who_leaves_the_line_leaves_the_room_to_the_next() {
    check(|world| {
        let model = Model::new(world);
        let driver = spawn(&model, Model::drive);
        let leavers = [50, 60].map(|number| spawn(&model, move |model| model.ask_once(number)));
        let askers = [10, 20].map(|number| {
            spawn(&model, move |model| {
                assert_eq!(model.ask(number), number);
            })
        });
        model.tell(40);
        for asker in askers {
            asker.join().unwrap();
        }
        let mut expected = vec![10, 20, 40];
        for (leaver, number) in leavers.into_iter().zip([50, 60]) {
            expected.extend(leaver.join().unwrap().then_some(number));
        }
        let mut handled = model.finish(driver);
        handled.sort_unstable();
        assert_eq!(handled, expected);
    });
}
