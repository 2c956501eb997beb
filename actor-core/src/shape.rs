//! [`StateShape`]: a state whose fields are held against a lock while compiling.

use std::marker::PhantomData;

/// A state whose shape is locked, by `#[derive(StateShape)]`.
///
/// The derive holds the fields against the file `shapes/<type>.lock` of the package, so that a change which saved states cannot
/// be read after does not compile.
pub trait StateShape {
    /// The version of the shape: that of the actor's `#[state(version = …)]`.
    const VERSION: i32;
}

/// Asks a type for the version of its shape, if it has one.
#[derive(Debug)]
pub struct Shaped<T: ?Sized>(PhantomData<T>);

impl<T: StateShape + ?Sized> Shaped<T> {
    /// The version of the shape.
    pub const VERSION: Option<i32> = Some(T::VERSION);
}

/// What [`Shaped`] has for every other type.
pub trait Unshaped {
    /// No version.
    const VERSION: Option<i32> = None;
}

impl<T: ?Sized> Unshaped for Shaped<T> {}

/// Asserts, while compiling, that the version of the shape is that of the actor's state.
///
/// # Panics
///
/// When it is another one.
pub const fn assert_shape(shape: Option<i32>, state: i32) {
    if let Some(shape) = shape {
        assert!(
            shape == state,
            "the version of `#[state_shape(version = …)]` at the state's type is another than that of `#[state(version = …)]` here"
        );
    }
}
