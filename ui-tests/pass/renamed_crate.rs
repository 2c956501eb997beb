//! `crate = path` names the runtime where it has another name.

mod vendored {
    pub use actor_core as actors;
}

use vendored::actors::prelude::*;

#[derive(Actor)]
#[actor(crate = crate::vendored::actors)]
struct Room {
    #[vars]
    readers: Vec<u64>,
}

#[vendored::actors::actor(crate = crate::vendored::actors)]
impl Room {
    #[on_wake]
    fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        self.readers.clear();
        Ok(())
    }

    #[crate::vendored::actors::on_error]
    fn note(&mut self, _cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        self.readers.push(report.name.len() as u64);
        Ok(())
    }

    #[crate::vendored::actors::action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<usize> {
        Ok(self.readers.len())
    }
}

fn main() {
    let _ = System::builder().register::<Room>();
}
