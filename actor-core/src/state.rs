//! [`State`]: the value that is saved with the tables.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A value that is saved in the same transaction as the SQL of the action that changed it.
///
/// It reads like the value itself. The first change in an action keeps a copy, so that an action that
/// fails leaves the old value; an action that does not change it pays nothing. It is stored as JSON. An
/// [`#[on_state_change]`](macro@crate::on_state_change) hook runs behind each change.
///
/// # Examples
///
/// ```
/// use actor_core::prelude::*;
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Counter { hits: u64 }
///
/// #[derive(Actor)]
/// struct Page {
///     #[state]
///     counter: State<Counter>,
/// }
///
/// #[actor]
/// impl Page {
///     #[action]
///     fn hit(&mut self, _cx: &mut Context<'_, Self>) -> Result<u64> {
///         self.counter.hits += 1;
///         Ok(self.counter.hits)
///     }
/// }
/// ```
///
/// # Versions
///
/// When the type changes so that what is saved no longer fits, the state gets a new version, and a step leads to it from
/// the one before. A version without a step is a compile error. Actors with older state run the steps that they lack when
/// they wake, together with the migrations that are pending; when a step fails, nothing has changed. State of a version
/// that the program does not know is refused.
///
/// ```
/// use actor_core::prelude::*;
///
/// /// The counter as it was at version 1. It stays as long as there may be actors that saved it.
/// #[derive(serde::Deserialize)]
/// struct CounterV1 { hits: u32 }
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Counter { hits: u64, misses: u64 }
///
/// #[derive(Actor)]
/// struct Page {
///     #[state(version = 2)]
///     counter: State<Counter>,
/// }
///
/// #[actor]
/// impl Page {
///     #[migrate_state(from = 1)]
///     fn count_misses(old: CounterV1) -> Result<Counter> {
///         Ok(Counter { hits: old.hits.into(), misses: 0 })
///     }
/// }
/// ```
pub struct State<T> {
    value: T,
    /// The value as it was when the action began, once it was changed.
    before: Option<T>,
}

impl<T: Clone> State<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value,
            before: None,
        }
    }

    /// Returns the value if the current action changed it.
    pub(crate) fn changed(&self) -> Option<&T> {
        self.before.as_ref().map(|_| &self.value)
    }

    /// Takes the value as it was, if the current action changed it. What changes until it is [given back](Self::give_before) is told apart
    /// from what changed before.
    pub(crate) fn take_before(&mut self) -> Option<T> {
        self.before.take()
    }

    /// Gives the value back as it was when the current action began. Returns the one between, if it changed once more.
    #[must_use = "dropping it runs code of the user's"]
    pub(crate) fn give_before(&mut self, before: T) -> Option<T> {
        self.before.replace(before)
    }

    /// Makes the changes of the current action the new base, and returns the old one.
    #[must_use = "dropping it runs code of the user's"]
    pub(crate) fn keep(&mut self) -> Option<T> {
        self.before.take()
    }

    /// Takes the changes of the current action back, and returns them.
    #[must_use = "dropping it runs code of the user's"]
    pub(crate) fn undo(&mut self) -> Option<T> {
        let before = self.before.take()?;
        Some(std::mem::replace(&mut self.value, before))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Clone> DerefMut for State<T> {
    fn deref_mut(&mut self) -> &mut T {
        if self.before.is_none() {
            self.before = Some(self.value.clone());
        }
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn undo_restores_the_value_before_the_first_change() {
        let mut state = State::new(vec![1]);
        assert_eq!(state.changed(), None);
        state.push(2);
        state.push(3);
        assert_eq!(state.changed(), Some(&vec![1, 2, 3]));
        assert_eq!(state.undo(), Some(vec![1, 2, 3]));
        assert_eq!(*state, vec![1]);
        assert_eq!(state.changed(), None);
    }

    #[test]
    fn a_change_behind_a_change_is_told_apart_and_undone_with_it() {
        let mut state = State::new(1);
        *state = 2;
        let before = state.take_before();
        assert_eq!((before, state.changed()), (Some(1), None));
        *state = 3;
        assert_eq!(state.give_before(1), Some(2));
        assert_eq!(state.changed(), Some(&3));
        assert_eq!(state.undo(), Some(3));
        assert_eq!(*state, 1);
    }

    #[test]
    fn keep_makes_the_change_the_new_base() {
        let mut state = State::new(1);
        *state = 2;
        assert_eq!(state.keep(), Some(1));
        assert_eq!(state.undo(), None);
        assert_eq!(*state, 2);
    }
}
