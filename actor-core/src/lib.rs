//! Durable actors.
