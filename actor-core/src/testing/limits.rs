//! Every bound of the test kit, with its reason.

use std::time::Duration;

/// Where the data is on a simulated disk.
pub(crate) const ROOT: &str = "/data";

/// How long a segment of the log is: so short that a usual test uses segments again, and takes checkpoints.
pub(crate) const LOG_SEGMENT_BYTES: u64 = 64 << 10;

/// How many segments the log has at most: half a megabyte in all, which a test fills in a moment.
pub(crate) const LOG_SEGMENTS: usize = 8;

/// How many bytes wait for the log before turns wait: half a segment, as outside of tests.
pub(crate) const LOG_BUFFER_BYTES: usize = 32 << 10;

/// For how long, on the clock on the wall, a test does nothing before it is told that its time stands still.
pub(crate) const HINT_AFTER: Duration = Duration::from_secs(10);

/// How often the watch looks before it pauses between the looks.
pub(crate) const LOOKS: u32 = 64;

/// How long it pauses: a runtime that works is not held up by it.
pub(crate) const LOOK_PAUSE: Duration = Duration::from_micros(20);

/// When a lab begins: Monday, 1 January 2024, 00:00 UTC, in seconds since 1970.
pub(crate) const BEGINNING: u64 = 1_704_067_200;
