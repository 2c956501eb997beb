//! An actor that rings when its timer or a message tells it to.

use std::sync::Arc;

use actor_core::prelude::*;
use parking_lot::Mutex;

/// Who rang since the system started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rung(pub(crate) Arc<Mutex<Vec<String>>>);

#[derive(Actor)]
#[actor(name = "bell")]
pub(crate) struct Bell {
    #[state]
    rings: State<u32>,
}

#[actor]
impl Bell {
    #[create_state]
    fn create_state(_cx: &mut Context<'_, Self, Migrated>) -> Result<u32> {
        Ok(0)
    }

    /// Rings.
    #[action]
    pub(crate) fn ring(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        *self.rings += 1;
        if let Some(rung) = cx.system().extension::<Rung>() {
            rung.0.lock().push(cx.key().to_string());
        }
        Ok(())
    }

    /// Has another bell ring, by a message.
    #[action]
    pub(crate) fn pass(&mut self, cx: &mut Context<'_, Self>, to: String) -> Result<()> {
        let other = cx.system().get_or_create::<Bell>(to, ());
        cx.send(other.ring())?;
        Ok(())
    }

    /// Returns how often it has rung.
    #[action]
    pub(crate) fn rings(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.rings)
    }
}
