//! [`KeepAwake`], and what an action begins that goes on beside its actor.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::actor::Handlers;
use crate::context::Context;
use crate::runtime::Kept;

/// Holds off the sleep of an idle actor until it is dropped, from [`Background::keep_awake`](crate::Background::keep_awake).
///
/// The actor sleeps its usual time (`sleep_after`) after its last call, or after the last of these was dropped, whichever is later. This
/// does not hold off [`sleep`](crate::ActorRef::sleep), [`destroy`](crate::ActorRef::destroy) or a shutdown, and it does not wake an actor.
#[must_use = "the actor may sleep as soon as this is dropped"]
pub struct KeepAwake(Option<Arc<dyn Kept>>);

impl KeepAwake {
    pub(crate) fn new(actor: Arc<dyn Kept>) -> Self {
        Self(Some(actor))
    }
}

impl Drop for KeepAwake {
    fn drop(&mut self) {
        if let Some(actor) = self.0.take() {
            actor.let_go();
        }
    }
}

impl fmt::Debug for KeepAwake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepAwake").finish_non_exhaustive()
    }
}

impl<A: Handlers> Context<'_, A> {
    /// Runs a future beside the actor, which does not sleep for being idle until the future has ended.
    ///
    /// It starts at once, whatever becomes of the hook or action: what one that fails has begun goes on. It changes the actor by
    /// calling it, with a [`handle`](Context::handle). A panic in it is logged and does the actor no harm.
    ///
    /// When the actor stops all the same, because it is told to or the system is shut down, it is waited for as
    /// [`wait_until`](Self::wait_until) says.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # async fn download(url: String) -> String { url }
    /// # #[derive(Actor)]
    /// # struct Mirror { #[state] pages: State<Vec<String>> }
    /// #[actor]
    /// impl Mirror {
    ///     /// Comes back at once; the download takes its time.
    ///     #[action]
    ///     fn fetch(&mut self, cx: &mut Context<'_, Self>, url: String) -> Result<()> {
    ///         let mirror = cx.handle();
    ///         cx.keep_awake(async move {
    ///             let page = download(url).await;
    ///             if let Err(error) = mirror.keep(page).await {
    ///                 eprintln!("a page is lost: {error}");
    ///             }
    ///         });
    ///         Ok(())
    ///     }
    ///
    ///     #[action]
    ///     fn keep(&mut self, _cx: &mut Context<'_, Self>, page: String) -> Result<()> {
    ///         self.pages.push(page);
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn keep_awake(&mut self, future: impl Future<Output = ()> + Send + 'static) {
        let keeper = self.turn().cell().keep_awake();
        self.turn_mut()
            .begin_beside("keep_awake", Some(keeper), future);
    }

    /// Runs a future beside the actor, which waits for it when it stops.
    ///
    /// It starts at once, whatever becomes of the hook or action, as that of [`keep_awake`](Self::keep_awake) does, but an actor that is idle
    /// goes to sleep meanwhile. A stop (an idle actor's sleep, [`sleep`](crate::ActorRef::sleep), [`destroy`](crate::ActorRef::destroy), a shutdown)
    /// waits for it for up to 15 seconds before it goes on with `#[on_sleep]` or `#[on_destroy]`. Calls of the actor are handled
    /// meanwhile, and what they change is saved. Then the future is dropped. A crash of the actor drops it at once.
    ///
    /// What `#[on_sleep]` or `#[on_destroy]` itself begins is waited for as long, but the instance handles no calls any more then. To
    /// await a call of its own actor there, or of one that waits for its own actor, fails with
    /// [`CallError::Cycle`](crate::CallError::Cycle), and the call is not made. A call that it only tells starts the actor again. Only
    /// calls that the future itself polls are seen: in a task that it spawns, such a call waits until the stop does not wait any more.
    pub fn wait_until(&mut self, future: impl Future<Output = ()> + Send + 'static) {
        self.turn_mut().begin_beside("wait_until", None, future);
    }
}
