//! What `macro_rules!` passes on as one thing, such as a type, is read as if it were written in place.

use actor_core::prelude::*;

macro_rules! counter {
    (
        $(#[$meta:meta])* $vis:vis $name:ident $me:ty, $path:path, $state:ty, $whole:ty, $stage:ty, $cx:ty, $ready:ty, $argument:ty,
        $reply:ty, $receiver:ty, $vars:ty, $time:literal, $size:expr, $text:literal, $runtime:path, $add:ident, $pattern:pat,
        $life:lifetime, $block:block, $old:ty, $version:literal, $queued:ty, $event:ty
    ) => {
        $(#[$meta])*
        #[derive(Actor)]
        #[actor(name = $text, sleep_after = $time, mailbox = $size, timeouts(action = $time), crate = $runtime)]
        $vis struct $name {
            #[state(version = $version)]
            count: $whole,
            #[vars]
            seen: $vars,
        }

        #[actor(crate = $runtime)]
        impl $me {
            #[migrate_state(from = 1)]
            fn upgrade(old: $old) -> Result<$state> {
                Ok(old.into())
            }

            #[create_state]
            fn create(_cx: &mut Context<'_, Self, $stage>, $pattern: ()) -> Result<$state> {
                Ok($size)
            }

            #[on_wake(timeout = $time)]
            fn wake(&mut self, _cx: $cx) -> Result<()> {
                Ok(())
            }

            #[action(timeout = $time, durability = "process")]
            $vis fn $add(self: $receiver, _cx: &mut $ready, by: $argument) -> $reply {
                *self.count += by.len() as u64;
                $block
                Ok(*self.count)
            }

            #[queue(visibility = $time)]
            fn waiting(job: $queued) -> $argument {}
        }

        #[derive(Clone, Event)]
        #[event(of($event), name = $text)]
        struct Counted;

        impl From<Counted> for $path {
            fn from(_: Counted) -> $path {
                unreachable!()
            }
        }

        fn outlives<$life>(text: &$life str) -> &$life str {
            text
        }
    };
}

/// The same through one more macro, which puts its own groups around.
macro_rules! through {
    ($me:ty, $state:ty, $whole:ty) => {
        counter! {
            /// Counts.
            pub(crate) Counter $me, Held, $state, $whole, Migrated, &mut Context<'_, Counter>, Context<'_, Counter>, String,
            Result<u64>, &mut Self, Vec<u8>, "30s", 4, "counter", ::actor_core, add, _, 'a, { let _ = 1; }, u32, 2, Vec<u64>, $me
        }
    };
}

use actor_core::{Event, Migrated};

struct Held;

through!(Counter, u64, State<u64>);

fn main() {
    let _ = outlives("x");
    let _ = System::builder().register::<Counter>();
}
