//! What stands for handles without the feature `metrics`: nothing.

#![allow(
    clippy::unused_self,
    reason = "the handles that it stands for have something"
)]

use std::marker::PhantomData;
use std::time::{Duration, Instant};

#[derive(Clone, Default)]
pub(crate) struct Counter;

#[derive(Clone, Default)]
pub(crate) struct Gauge;

#[derive(Clone, Default)]
pub(crate) struct Histogram;

/// When something began, which nobody wants to know.
#[derive(Clone, Copy, Default)]
pub(crate) struct Began;

impl Counter {
    #[inline]
    pub(super) fn add(&self, _count: u64) {}
}

impl Gauge {
    #[inline]
    pub(super) fn rise(&self) {}

    #[inline]
    pub(super) fn fall(&self) {}

    #[inline]
    pub(super) fn set(&self, _find: impl FnOnce() -> usize) {}
}

impl Histogram {
    #[inline]
    pub(super) fn begin(&self) -> Began {
        Began
    }

    #[inline]
    pub(super) fn now(&self) -> Option<Instant> {
        None
    }

    #[inline]
    pub(super) fn end(&self, _began: Began) {}

    #[inline]
    pub(super) fn record(&self, _value: u32) {}

    #[inline]
    pub(super) fn record_time(&self, _time: Duration, _times: usize) {}
}

/// No handle for any action.
#[derive(Default)]
pub(super) struct PerAction<T>(PhantomData<T>);

impl<T> PerAction<T> {
    #[inline]
    pub(super) fn get(&self, _id: u32) -> Option<&T> {
        None
    }
}

/// No handle for any name.
#[derive(Default)]
pub(super) struct PerName<T>(PhantomData<T>);

impl<T> PerName<T> {
    #[inline]
    pub(super) fn get(&self, _name: &str) -> Option<&T> {
        None
    }
}
