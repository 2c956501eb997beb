#[derive(Actor)]
#[actor(name = "chat-room", sleep_after = "30s", mailbox = 256, restarts = 3, restart_window = "1m", timeouts(action = "5s"))]
pub struct ChatRoom {
    #[state(version = 2)]
    settings: State<Settings>,
    #[vars]
    typing: HashSet<String>,
}

#[actor]
impl ChatRoom {
    #[migrate("snapshots/migrations")]
    fn migrate() {}

    #[data_migration(after = "2026-11-22-000002")]
    fn fill_slugs(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        diesel::update(messages::table).set(messages::slug.eq("")).execute(cx.db())?;
        Ok(())
    }

    #[migrate_state(from = 1)]
    fn add_language(old: Topic) -> Result<Settings> {
        Ok(Settings::of(old))
    }

    #[create_state]
    fn create_state(_cx: &mut Context<'_, Self, Migrated>, input: NewRoom) -> Result<Settings> {
        Ok(input.into())
    }

    #[on_create]
    async fn welcome(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        announce(cx.state()).await
    }

    #[create_vars]
    fn create_vars(_cx: &mut Context<'_, Self, Stateful>) -> Result<HashSet<String>> {
        Ok(HashSet::new())
    }

    #[on_wake]
    async fn audit(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        audit::all(cx.db())
    }

    #[on_wake(before = audit, timeout = "2s")]
    async fn warm(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cache::warm(cx.key()).await
    }

    #[on_before_start]
    fn check(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_state_change]
    fn changed(&mut self, cx: &mut Context<'_, Self>, before: &Settings) -> Result<()> {
        topics::compare(before, &self.settings, cx)
    }

    #[on_error]
    fn note(&mut self, cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        errors::note(cx.db(), report)
    }

    #[run]
    async fn prune(background: Background<Self>) -> Result<()> {
        prune::every_hour(background).await
    }

    #[on_sleep]
    fn rest(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[on_destroy]
    async fn end(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        archive(cx.key()).await
    }

    /// Posts a message.
    #[action(timeout = "3s")]
    async fn post(&mut self, cx: &mut Context<'_, Self>, author: String, body: String) -> Result<i32> {
        self.typing.remove(&author);
        messages::post(cx.db(), author, body)
    }

    #[cfg(feature = "history")]
    #[action]
    fn history(&self, cx: &mut Context<'_, Self>, limit: i64) -> Result<Vec<Message>> {
        messages::newest(cx.db(), limit)
    }
}
