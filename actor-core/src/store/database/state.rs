//! The saved state in an actor's database.

use super::super::error::StoreError;
use super::super::internal::{self, SavedState};
use super::Database;
use crate::codec::{self, Root};

impl Database {
    /// Reads the state, of whatever version.
    pub(crate) fn load_state(&mut self) -> Result<SavedState, StoreError> {
        let path = self.path();
        let saved = self
            .db
            .internal(internal::read_state)
            .map_err(StoreError::sqlite("read the state of", &path))?;
        saved.ok_or(StoreError::Corrupt {
            path,
            message: "it has no state".to_owned(),
        })
    }

    /// Makes a state of the text that is stored for it.
    pub(crate) fn parse_state<T: serde::de::DeserializeOwned>(
        &self,
        json: &str,
    ) -> Result<T, StoreError> {
        codec::decode(Root::named("state"), json).map_err(|source| StoreError::State {
            path: self.path(),
            source,
        })
    }

    /// Makes the text that is stored for a state, and makes sure that it is read back equal.
    pub(crate) fn state_text<T: serde::Serialize + serde::de::DeserializeOwned>(
        &self,
        state: &T,
        same: fn(&T, &T) -> bool,
    ) -> Result<String, StoreError> {
        let same = |read: &T| same(state, read);
        codec::encode(Root::named("state"), state, same).map_err(|source| StoreError::State {
            path: self.path(),
            source,
        })
    }

    /// Writes the text of a state and the version of its type, in the running transaction.
    pub(crate) fn write_state(&mut self, version: i32, text: &str) -> Result<(), StoreError> {
        self.db
            .internal(|connection| internal::write_state(connection, version, text))
            .map_err(self.refused("write the state of"))
    }
}
