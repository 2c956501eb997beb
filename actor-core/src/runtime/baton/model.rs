//! The protocol of a cell under loom: every order of the steps of its threads is tried. `cargo test -p actor-core --lib baton`.
//!
//! The model keeps the real [`Baton`] under a lock as the mailbox does, with a queue, reply slots and a life beside it. What it
//! leaves out is what the lock protects anyway.

use std::collections::VecDeque;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::{Baton, Due};

/// What the actor does next.
enum Life {
    /// It takes mail.
    Awake,
    /// It waits for this event, and takes mail then.
    Waiting(Arc<AtomicBool>),
}

/// One mail: a number, of which the first digit says who sent it.
type Mail = u32;

struct Inner {
    baton: Baton,
    life: Option<Life>,
    asleep: bool,
    queue: VecDeque<Mail>,
    stop: bool,
    handled: Vec<Mail>,
    lives: u32,
}

struct Cell {
    inner: Mutex<Inner>,
    /// How often the cell is in the run queue.
    queued: AtomicUsize,
    /// Whether somebody runs it.
    runs: AtomicBool,
}

impl Cell {
    fn new(life: Option<Life>) -> Arc<Self> {
        let mut baton = Baton::new();
        if let Some(Life::Awake) = life {
            baton.listen();
        }
        Arc::new(Self {
            inner: Mutex::new(Inner {
                baton,
                asleep: life.is_none(),
                lives: u32::from(life.is_some()),
                life,
                queue: VecDeque::new(),
                stop: false,
                handled: Vec::new(),
            }),
            queued: AtomicUsize::new(0),
            runs: AtomicBool::new(false),
        })
    }

    fn follow(&self, due: Due) {
        if due == Due::Queue {
            let before = self.queued.fetch_add(1, Ordering::SeqCst);
            assert_eq!(before, 0, "a cell is in the run queue once");
        }
    }

    /// Pushes mail; runs the actor in place if that is wished and nobody does.
    fn push(&self, mail: Mail, in_place: bool) {
        let mut inner = self.inner.lock().unwrap();
        inner.queue.push_back(mail);
        if inner.asleep {
            inner.asleep = false;
            assert!(
                inner.baton.try_begin(),
                "nobody runs an actor that is asleep"
            );
            inner.lives += 1;
            drop(inner);
            return self.run(Life::Awake);
        }
        if in_place && inner.baton.is_listening() && inner.life.is_some() {
            assert!(inner.baton.try_begin());
            let life = inner.life.take().expect("nobody had the life");
            drop(inner);
            return self.run(life);
        }
        let due = inner.baton.arrived();
        drop(inner);
        self.follow(due);
    }

    /// Asks the actor to sleep.
    fn stop(&self) {
        let mut inner = self.inner.lock().unwrap();
        if inner.asleep {
            return;
        }
        inner.stop = true;
        let due = inner.baton.arrived();
        drop(inner);
        self.follow(due);
    }

    fn wake(&self) {
        let mut inner = self.inner.lock().unwrap();
        if inner.asleep {
            return;
        }
        let due = inner.baton.woken();
        drop(inner);
        self.follow(due);
    }

    /// Runs the cell if it is queued.
    fn drive(&self) {
        let taken = self
            .queued
            .compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst);
        if taken.is_err() {
            return;
        }
        let mut inner = self.inner.lock().unwrap();
        inner.baton.begin();
        let life = inner.life.take().expect("nobody had the life");
        drop(inner);
        self.run(life);
    }

    fn run(&self, mut life: Life) {
        assert!(
            !self.runs.swap(true, Ordering::SeqCst),
            "one thread runs a cell"
        );
        loop {
            if let Life::Waiting(event) = &life {
                if !event.load(Ordering::SeqCst) {
                    break;
                }
                life = Life::Awake;
            }
            let mut inner = self.inner.lock().unwrap();
            let taken = std::mem::take(&mut inner.queue);
            let (stop, idle) = (inner.stop, taken.is_empty());
            inner.handled.extend(taken);
            if !idle {
                continue;
            }
            if stop {
                inner.stop = false;
                inner.asleep = true;
                inner.baton = Baton::new();
                self.runs.store(false, Ordering::SeqCst);
                return;
            }
            break;
        }
        let mut inner = self.inner.lock().unwrap();
        let mut more = false;
        if let Life::Awake = life {
            more = !inner.queue.is_empty() || inner.stop;
            inner.baton.listen();
        }
        self.runs.store(false, Ordering::SeqCst);
        inner.life = Some(life);
        let due = inner.baton.end(more);
        drop(inner);
        self.follow(due);
    }

    /// Runs the cell until it is not queued any more, as the drivers do in the end, and returns what was handled.
    fn finish(&self) -> (Vec<Mail>, u32) {
        while self.queued.load(Ordering::SeqCst) > 0 {
            self.drive();
        }
        let inner = self.inner.lock().unwrap();
        assert_eq!(inner.queue.len(), 0, "nothing is left in the mailbox");
        assert!(
            inner.asleep != inner.life.is_some(),
            "a life is there, or the actor sleeps"
        );
        (inner.handled.clone(), inner.lives)
    }
}

/// Checks that each sender's mail was handled once and in its order.
fn check(handled: &[Mail], sent: &[&[Mail]]) {
    for sent in sent {
        let own: Vec<_> = handled
            .iter()
            .filter(|mail| *mail / 10 == sent[0] / 10)
            .collect();
        assert_eq!(own, sent.iter().collect::<Vec<_>>());
    }
    assert_eq!(
        handled.len(),
        sent.iter().map(|sent| sent.len()).sum::<usize>()
    );
}

fn model(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // Enough to find every mistake that was put in on purpose; more takes minutes.
    builder.preemption_bound = Some(3);
    builder.check(body);
}

#[test]
fn asks_in_place_and_tells_are_handled_once_and_in_order() {
    model(|| {
        let cell = Cell::new(Some(Life::Awake));
        let asker = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                cell.push(10, true);
                cell.push(11, true);
            }
        });
        let driver = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.drive()
        });
        cell.push(20, false);
        cell.push(21, false);
        asker.join().unwrap();
        driver.join().unwrap();
        check(&cell.finish().0, &[&[10, 11], &[20, 21]]);
    });
}

#[test]
fn a_wake_up_is_not_lost_and_mail_waits_for_it() {
    model(|| {
        let event = Arc::new(AtomicBool::new(false));
        let cell = Cell::new(Some(Life::Waiting(Arc::clone(&event))));
        let waker = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                event.store(true, Ordering::SeqCst);
                cell.wake();
            }
        });
        let driver = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                // Waked for nothing: it looks again.
                cell.wake();
                cell.drive();
            }
        });
        cell.push(10, true);
        waker.join().unwrap();
        driver.join().unwrap();
        check(&cell.finish().0, &[&[10]]);
    });
}

#[test]
fn mail_that_meets_a_stop_is_handled_by_this_life_or_the_next() {
    model(|| {
        let cell = Cell::new(Some(Life::Awake));
        let asker = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                cell.push(10, true);
                cell.push(11, false);
            }
        });
        let driver = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.drive()
        });
        cell.stop();
        // A waker that is older than the life.
        cell.wake();
        asker.join().unwrap();
        driver.join().unwrap();
        let (handled, lives) = cell.finish();
        check(&handled, &[&[10, 11]]);
        assert!(lives <= 2, "one life after the other");
    });
}
