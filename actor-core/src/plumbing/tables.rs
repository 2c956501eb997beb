//! Which tables a data migration sees: those of its own version, and no others.
//!
//! `schema!` gives each table a [`Shape`], which stands for its columns, their types and its key.
//! `#[actor]` knows the shapes of all tables at the version that a step follows, and probes what
//! the step mentions: a table of another shape is an error at the place where it is mentioned,
//! because SQLite would convert its values without a word.

use std::marker::PhantomData;

/// A table of `schema!`, or a column of one.
pub trait InSchema {
    /// The table's [`Shape`].
    type Shape;
}

impl<C> InSchema for C
where
    C: diesel::Column,
    C::Table: InSchema,
{
    type Shape = <C::Table as InSchema>::Shape;
}

/// What a table is like, as a number: equal for equal columns, types and keys.
#[derive(Debug)]
pub struct Shape<const SHAPE: u64>;

/// A step that finds a table of this shape in the database.
#[diagnostic::on_unimplemented(
    message = "this table is another one at the version that the step sees",
    label = "not as the table is `{Self}`",
    note = "take the tables of the step's own version: `schema! {{ mod v2 = \"directory\" at \"version\"; }}`, then `v2::table_name`"
)]
pub trait Sees<S> {}

/// Something that a step mentions.
#[derive(Debug)]
pub struct Probe<'p, T>(pub &'p T);

impl<T: InSchema> Probe<'_, T> {
    /// Holds a table, or the table of a column, against the step.
    pub const fn seen_by<S: Sees<T::Shape>>(&self) {}
}

/// Stands in for [`Probe::seen_by`] where what is mentioned is neither a table nor a column.
pub trait NotInSchema {
    /// Holds nothing against anything.
    fn seen_by<S>(&self) {}
}

impl<T> NotInSchema for Probe<'_, T> {}

/// A type that a step mentions, which may stand for rows of a table.
#[derive(Debug)]
pub struct RowProbe<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> RowProbe<T> {
    /// Takes note of a type.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: ?Sized> Default for RowProbe<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RowProbe<T>
where
    T: diesel::associations::HasTable,
    T::Table: InSchema,
{
    /// Holds the table of the rows against the step.
    pub const fn seen_by<S: Sees<<T::Table as InSchema>::Shape>>(&self) {}
}

impl<T: ?Sized> NotInSchema for RowProbe<T> {}
