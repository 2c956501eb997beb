#[derive(Actor)]
pub struct Log {}

#[actor]
impl Log {
    #[migrate("snapshots/migrations")]
    fn migrate() {}

    #[action]
    fn count(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(messages::table.count().get_result(cx.db())?)
    }
}
