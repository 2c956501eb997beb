//! [`Durability`]: what a reply may rely on.

use std::sync::Arc;

/// What a reply may rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// What was answered survives a power cut.
    #[default]
    Synced,
    /// What was answered survives the end of the process, however it ends, but not a power cut.
    Process,
}

/// Is told how far the commits of one actor are durable.
pub(crate) trait Gatekeeper: Send + Sync {
    /// The log is done with a commit of the actor: it is durable, or lost.
    fn advanced(&self);

    /// A commit of the actor is lost and undone: what its instance has in memory is not what is on disk. [`advanced`] comes before it.
    ///
    /// [`advanced`]: Gatekeeper::advanced
    fn lost(self: Arc<Self>);
}
