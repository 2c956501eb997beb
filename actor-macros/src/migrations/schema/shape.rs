//! The shape of a table: a number that is equal for tables which hold the same values under the
//! same names.

use sha2::{Digest as _, Sha256};

use super::{Schema, Table};

impl Schema {
    /// Returns the shapes of all tables.
    pub(crate) fn shapes(&self) -> Vec<u64> {
        self.tables.iter().map(Table::shape).collect()
    }
}

impl Table {
    /// Returns the shape: the name, the columns with their types, and the key. What `schema!` is
    /// told of types is left out, because it says how a value is read, and not which.
    pub(super) fn shape(&self) -> u64 {
        let mut hash = Sha256::new();
        let mut text = |part: &str| {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        };
        text(&self.sql_name);
        text(&format!("{:?}", self.kind));
        for column in &self.columns {
            text(&column.sql_name);
            text(&column.declared.to_ascii_uppercase());
            text(column.diesel_type.unwrap_or_default());
            text(if column.is_nullable { "null" } else { "" });
        }
        text("");
        for column in &self.primary_key {
            text(column);
        }
        let hash = hash.finalize();
        let first: [u8; 8] = std::array::from_fn(|index| hash[index]);
        u64::from_le_bytes(first)
    }
}
