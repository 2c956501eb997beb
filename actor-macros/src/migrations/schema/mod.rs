//! What the migrations leave, as Diesel sees it.

mod docs;
mod expand;
mod input;
mod introspect;
mod names;
mod origins;
mod shape;
mod types;

pub(crate) use expand::expand_schema;
pub(crate) use input::{Override, SchemaInput};
pub(crate) use introspect::read;

/// The tables and views of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Schema {
    /// Tables, virtual tables and views, sorted by name; without the framework's, Diesel's and SQLite's own.
    pub(crate) tables: Vec<Table>,
}

/// What holds the rows of a [`Table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableKind {
    /// A table.
    Stored,
    /// A virtual table of FTS3, FTS4 or FTS5, in which every column holds text.
    FullText,
    /// Any other virtual table.
    Virtual,
    /// A view.
    View,
}

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// The name in SQL.
    pub(crate) sql_name: String,
    /// The name in Rust.
    pub(crate) rust_name: String,
    /// What holds its rows.
    pub(crate) kind: TableKind,
    /// The columns, in their order.
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key by their names in SQL, in the order of the columns; a view has none.
    pub(crate) primary_key: Vec<String>,
    /// The foreign keys.
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// The lines of the comment before the statement that created it.
    pub(crate) docs: Vec<String>,
}

/// A column of a table or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name in SQL.
    pub(crate) sql_name: String,
    /// The name in Rust.
    pub(crate) rust_name: String,
    /// The type as it was declared; empty where none was.
    pub(crate) declared: String,
    /// Diesel's name of the type; `None` where Diesel knows none.
    pub(crate) diesel_type: Option<&'static str>,
    /// Says whether Diesel's type is `Nullable`.
    pub(crate) is_nullable: bool,
    /// Says whether the column is another name of the row's id, which is never `NULL` and has 64 bits, whatever was declared.
    pub(crate) is_row_id: bool,
    /// The table and the column whose values this one holds: a view shows it as it is, or it refers to a row's id.
    pub(crate) origin: Option<(String, String)>,
    /// The lines of the comment beside it.
    pub(crate) docs: Vec<String>,
}

/// One column that refers to another table; a foreign key of several columns is several of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignKey {
    /// The column, by its name in SQL.
    pub(crate) column: String,
    /// The table that it refers to, by its name in SQL.
    pub(crate) parent: String,
    /// The column that it refers to; the primary key where none was written.
    pub(crate) parent_column: Option<String>,
}

impl Schema {
    /// Finds a table by its name in SQL, as SQLite does.
    fn find(&self, sql_name: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|table| table.sql_name.eq_ignore_ascii_case(sql_name))
    }

    /// Lists the foreign keys that can be Diesel's `joinable!`: child, column, parent.
    ///
    /// That is one column, which refers to the whole primary key of another table, and the only such link between the
    /// two tables, in both directions.
    pub(crate) fn joins(&self) -> Vec<(&Table, &Column, &Table)> {
        let links = || {
            self.tables
                .iter()
                .flat_map(|child| child.foreign_keys.iter().map(move |key| (child, key)))
        };
        let mut joins = Vec::new();
        for (child, key) in links() {
            let Some(parent) = self
                .find(&key.parent)
                .filter(|parent| parent.sql_name != child.sql_name)
            else {
                continue;
            };
            let is_between = |(from, other): &(&Table, &ForeignKey)| {
                let ends = (from.sql_name.as_str(), other.parent.as_str());
                is_pair(ends, (&child.sql_name, &parent.sql_name))
                    || is_pair(ends, (&parent.sql_name, &child.sql_name))
            };
            let refers_to_key = match (parent.primary_key.as_slice(), &key.parent_column) {
                ([only], Some(column)) => only.eq_ignore_ascii_case(column),
                ([_], None) => true,
                _ => false,
            };
            let column = child
                .columns
                .iter()
                .find(|column| column.sql_name.eq_ignore_ascii_case(&key.column));
            if let Some(column) = column
                && refers_to_key
                && links().filter(is_between).count() == 1
            {
                joins.push((child, column, parent));
            }
        }
        joins.sort_by(|a, b| (&a.0.sql_name, &a.2.sql_name).cmp(&(&b.0.sql_name, &b.2.sql_name)));
        joins
    }
}

/// Says whether two pairs of names in SQL are the same.
fn is_pair(a: (&str, &str), b: (&str, &str)) -> bool {
    a.0.eq_ignore_ascii_case(b.0) && a.1.eq_ignore_ascii_case(b.1)
}
