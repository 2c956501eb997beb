/// Counts.
#[derive(Actor)]
pub struct Counter {
    #[state]
    hits: State<u64>,
}

#[actor]
impl Counter {
    /// Counts one more.
    #[action]
    fn hit(&mut self, _cx: &mut Context<'_, Self>) -> Result<u64> {
        *self.hits += 1;
        Ok(*self.hits)
    }
}
