//! Somebody who has what a verb needs, so that it stands still in its middle.

use model::CacheId;
use sqlx::{Connection as _, Executor as _, PgConnection};

pub(crate) struct Holder {
    holding: PgConnection,
    /// Apart, since a transaction sees the same list of connections from its first look on.
    looking: PgConnection,
}

const WAITING: &str = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
     AND application_name = 'imc' AND wait_event_type = 'Lock'";

impl Holder {
    /// Has the cache's row locked.
    pub(crate) async fn of_cache(url: &str, cache: CacheId) -> Self {
        let mut holder = Self::begun(url).await;
        let lock = sqlx::query("SELECT id FROM caches WHERE id = $1 FOR UPDATE").bind(cache.to_string());
        lock.execute(&mut holder.holding).await.unwrap();
        holder
    }

    /// Lets no verb commit that writes a change of that account: its changes are written by then and nobody sees them.
    pub(crate) async fn of_commits(url: &str, account: &str) -> Self {
        let mut holder = Self::begun(url).await;
        let pause = format!(
            "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END'; \
             CREATE CONSTRAINT TRIGGER pause AFTER INSERT ON changes DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW WHEN (NEW.account = '{account}') EXECUTE FUNCTION pause(); \
             COMMIT; BEGIN; SELECT pg_advisory_xact_lock(4711)"
        );
        holder.holding.execute(sqlx::AssertSqlSafe(pause)).await.unwrap();
        holder
    }

    async fn begun(url: &str) -> Self {
        let mut holding = PgConnection::connect(url).await.unwrap();
        holding.execute("BEGIN").await.unwrap();
        Self { holding, looking: PgConnection::connect(url).await.unwrap() }
    }

    async fn waiting(&mut self) -> Vec<i32> {
        sqlx::query_scalar(WAITING).fetch_all(&mut self.looking).await.unwrap()
    }

    /// Waits until that many verbs wait.
    pub(crate) async fn until_waiting(&mut self, count: usize) {
        while self.waiting().await.len() < count {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn break_those_who_wait(&mut self) {
        for pid in self.waiting().await {
            let broken = sqlx::query("SELECT pg_terminate_backend($1)").bind(pid);
            broken.execute(&mut self.looking).await.unwrap();
        }
    }

    pub(crate) async fn let_go(mut self) {
        self.holding.execute("ROLLBACK").await.unwrap();
        self.holding.close().await.unwrap();
    }
}
