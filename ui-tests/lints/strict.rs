//! The macros add no warning to a crate that allows none.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    rust_2018_idioms,
    single_use_lifetimes,
    trivial_casts,
    unreachable_pub,
    unused,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::nursery,
    clippy::pedantic
)]
#![forbid(unsafe_code)]

/// A room and its messages.
pub mod rooms {
    use actor_core::prelude::*;

    /// A room.
    #[derive(Debug, Actor)]
    #[actor(mailbox = 16, sleep_after = "10s", timeouts(action = "1s"))]
    pub struct Room {
        #[state]
        topic: State<String>,
        #[vars]
        reads: u64,
    }

    #[actor]
    impl Room {
        #[migrate("migrations/room")]
        fn migrate() {}

        #[create_state]
        fn create(_cx: &mut Context<'_, Self, Migrated>, topic: String) -> Result<String> {
            Ok(topic)
        }

        #[on_wake]
        async fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
            Ok(())
        }

        #[on_state_change]
        fn changed(&mut self, _cx: &mut Context<'_, Self>, before: &String) -> Result<()> {
            self.reads += u64::from(*self.topic != *before);
            Ok(())
        }

        #[on_error]
        fn note(&mut self, _cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
            self.reads += report.name.len() as u64;
            Ok(())
        }

        #[action]
        fn read(&mut self, _cx: &mut Context<'_, Self>) -> Result<u64> {
            self.reads += 1;
            Ok(self.reads)
        }

        /// Returns the topic.
        #[action]
        async fn topic(&self, _cx: &mut Context<'_, Self>, _upper: bool) -> Result<String> {
            Ok(self.topic.clone())
        }
    }
}

fn main() {
    let _ = actor_core::System::builder().register::<rooms::Room>();
}
