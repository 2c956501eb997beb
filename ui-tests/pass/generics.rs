//! An actor over any value.

use actor_core::prelude::*;
use actor_core::ActorState;

#[derive(Actor)]
#[actor(name = "cache")]
struct Cache<T: ActorState + Default + Sync, const LIMIT: usize>
where
    T: std::fmt::Debug,
{
    #[state]
    value: State<T>,
}

#[actor]
impl<T: ActorState + Default + Sync, const LIMIT: usize> Cache<T, LIMIT>
where
    T: std::fmt::Debug,
{
    #[on_wake]
    async fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_state_change]
    fn changed(&mut self, _cx: &mut Context<'_, Self>, before: &T) -> Result<()> {
        let _ = (before, &*self.value);
        Ok(())
    }

    #[on_error]
    fn note(&mut self, _cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        let _ = report;
        Ok(())
    }

    #[action]
    async fn put(&mut self, _cx: &mut Context<'_, Self>, value: T) -> Result<T> {
        let old = T::clone(&self.value);
        *self.value = value;
        Ok(old)
    }
}

/// No action mentions the parameter.
#[derive(Actor)]
struct Tagged<T: Send + 'static> {
    #[vars]
    tag: std::marker::PhantomData<T>,
}

#[actor]
impl<T: Send + 'static> Tagged<T> {
    #[action]
    fn is_tagged(&mut self, _cx: &mut Context<'_, Self>) -> Result<bool> {
        let _ = self.tag;
        Ok(true)
    }
}

fn main() {
    let _ = |cache: &CacheHandle<u64, 3>| drop(cache.put(7));
    let _ = |tagged: &TaggedHandle<u8>| drop(tagged.is_tagged());
    let _ = System::builder().register::<Cache<u64, 3>>();
}
