//! [`Cells`]: the cells of one type of actor, by their keys.
//!
//! # Invariants
//!
//! 1. One cell a key, as long as anybody holds it.
//! 2. No cell is dropped under the lock: the last who holds one takes it out, which needs the lock.
//!
//! A key is kept in its cell only. Its hash is kept beside it, so that a table that grows does not look at a million keys again.

use std::hash::{BuildHasher, RandomState};
use std::ptr;
use std::sync::{Arc, Weak};

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::actor::Handlers;
use crate::key::Key;
use crate::runtime::cell::Cell;

/// All cells of a type that somebody holds.
pub(super) struct Cells<A: Handlers> {
    table: Mutex<HashTable<Entry<A>>>,
    // Keys may come from anybody, so the hashes must not be predictable.
    hasher: RandomState,
}

struct Entry<A: Handlers> {
    hash: u64,
    cell: Weak<Cell<A>>,
}

/// Looks for a cell.
struct Search<A: Handlers> {
    hash: u64,
    /// Cells of other keys with the same hash; kept until the lock is gone.
    others: Vec<Arc<Cell<A>>>,
}

impl<A: Handlers> Search<A> {
    fn run(&mut self, table: &HashTable<Entry<A>>, key: &Key) -> Option<Arc<Cell<A>>> {
        let mut found = None;
        table.find(self.hash, |entry| {
            if entry.hash != self.hash {
                return false;
            }
            match entry.cell.upgrade() {
                Some(cell) if cell.key() == key => {
                    found = Some(cell);
                    true
                }
                other => {
                    self.others.extend(other);
                    false
                }
            }
        });
        found
    }
}

impl<A: Handlers> Cells<A> {
    pub(super) fn new() -> Self {
        Self {
            table: Mutex::new(HashTable::new()),
            hasher: RandomState::new(),
        }
    }

    fn search(&self, key: &Key) -> Search<A> {
        Search {
            hash: self.hasher.hash_one(key),
            others: Vec::new(),
        }
    }

    /// Returns the cell of a key, if somebody holds it.
    pub(super) fn find(&self, key: &Key) -> Option<Arc<Cell<A>>> {
        let mut search = self.search(key);
        let table = self.table.lock();
        search.run(&table, key)
    }

    /// Returns the cell of a key, which is made if nobody holds one.
    pub(super) fn find_or_make(
        &self,
        key: Key,
        make: impl FnOnce(Key) -> Arc<Cell<A>>,
    ) -> Arc<Cell<A>> {
        // INVARIANT 2: it is dropped behind the lock.
        let mut search = self.search(&key);
        let mut table = self.table.lock();
        if let Some(cell) = search.run(&table, &key) {
            return cell;
        }
        let (hash, cell) = (search.hash, make(key));
        let entry = Entry {
            hash,
            cell: Arc::downgrade(&cell),
        };
        table.insert_unique(hash, entry, |entry| entry.hash);
        cell
    }

    /// Takes out a cell that nobody holds any more. Another one of the same key may be there already.
    pub(super) fn remove(&self, cell: &Cell<A>) {
        let hash = self.hasher.hash_one(cell.key());
        let mut table = self.table.lock();
        let entry = table.find_entry(hash, |entry| ptr::eq(entry.cell.as_ptr(), cell));
        if let Ok(entry) = entry {
            let (removed, _) = entry.remove();
            drop(table);
            drop(removed);
        }
    }

    /// Returns the cells that somebody holds.
    pub(super) fn live(&self) -> Vec<Arc<Cell<A>>> {
        let table = self.table.lock();
        table
            .iter()
            .filter_map(|entry| entry.cell.upgrade())
            .collect()
    }
}
