//! Power cuts on real file systems: ext4 and XFS on a loop device, ended by the file system's own
//! shutdown call, after which nothing that was not synced is ever written.
//!
//! It needs root, loop devices, `mkfs.ext4`, `mkfs.xfs` and `xfs_io`. Where they are missing the
//! tests say so and pass; with `DURABLE_ACTORS_REAL_DISK=required` they fail instead.
#![cfg(target_os = "linux")]

mod bell;
mod cuts;
mod disk;
