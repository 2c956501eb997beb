//! Names that are keywords elsewhere.

use actor_core::prelude::*;

#[derive(Actor)]
struct r#Match {
    #[state]
    r#enum: State<u64>,
    #[vars]
    r#type: u64,
}

#[actor]
impl r#Match {
    #[on_wake(after = r#loop)]
    fn r#move(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_wake]
    fn r#loop(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_state_change]
    fn r#yield(&mut self, _cx: &mut Context<'_, Self>, r#in: &u64) -> Result<()> {
        let _ = (r#in, &self.r#enum);
        Ok(())
    }

    #[action]
    fn r#return(&mut self, r#fn: &mut Context<'_, Self>, r#type: u64, r#in: String) -> Result<u64> {
        let _ = (r#fn, r#in);
        Ok(std::mem::replace(&mut self.r#type, r#type))
    }
}

fn main() {
    let _ = |game: &MatchHandle| drop(game.r#return(7, "x"));
}
