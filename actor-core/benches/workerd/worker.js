// The action of the benchmarks as a Durable Object: one UPDATE and one INSERT, answered when they are on disk.
import { DurableObject } from "cloudflare:workers";

export class Bench extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS counters (id INTEGER PRIMARY KEY, hits INTEGER NOT NULL)");
    this.sql.exec("CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, hits INTEGER NOT NULL, words TEXT NOT NULL)");
    this.sql.exec("INSERT OR IGNORE INTO counters (id, hits) VALUES (1, 0)");
  }

  write() {
    this.sql.exec("UPDATE counters SET hits = hits + 1 WHERE id = 1");
    this.sql.exec("INSERT INTO log (hits, words) VALUES (?, ?)", 1, "one of the many things that happened");
  }

  hits() {
    return this.sql.exec("SELECT hits FROM counters WHERE id = 1").one().hits;
  }
}

// The clients are in the same process, so that no HTTP is measured: `/?clients=256&objects=1000&writes=20000`.
export default {
  async fetch(request, env) {
    const asked = new URL(request.url).searchParams;
    const [clients, objects, writes] = ["clients", "objects", "writes"].map((name) => Number(asked.get(name)));
    const stub = (index) => env.BENCH.get(env.BENCH.idFromName(`o${index % objects}`));
    const each = Math.floor(writes / clients);
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        // As in the other benchmarks, a client has objects of its own if there are enough, and goes through them in turn.
        const own = [];
        for (let index = client; own.length === 0 || index < objects; index += clients) {
          own.push(stub(index));
        }
        for (let step = 0; step < each; step += 1) {
          await own[step % own.length].write();
        }
      }),
    );
    return new Response(`${each * clients}\n`);
  },
};
