// Back to a backup after a migration: with the checkpoint of what is replaced, the proof, and the swap.
import { ours, race, sql, steps } from "../bench.mjs";
import { copied, fresh, remembered } from "../databases.mjs";
import { directoryDump, fullSql, replay, restore } from "../peers.mjs";
import { compare, note } from "../results.mjs";

export const title = "a rollback";

/** What a migration did that one wants back. */
export const DAMAGE = `ALTER TABLE customer DROP COLUMN prefs; UPDATE product SET price = 0 WHERE id % 100 = 0;
  DELETE FROM item WHERE id % 1000 = 0; ALTER TABLE orders ADD COLUMN weight int`;

export async function measure({ database, runs, label }) {
  const live = "bench_copy";
  await copied(database, live);
  const same = await remembered(live);
  const backup = JSON.parse(await ours(live, "store", "backup", "--json")).backups.find((one) => one.kind === "full").id;
  await ours(live, "store", "pin", backup);
  await fullSql(live, "full.sql");
  await directoryDump(live, "dump", "-Z1");
  await race(runs, [
    {
      name: "rollback",
      before: () => sql(live, DAMAGE),
      run: () => ours(live, "store", "rollback", backup),
      after: () => same("rollback"),
    },
    {
      name: "psql -f of the full SQL file",
      before: () => fresh("other"),
      run: () => replay("other", "full.sql"),
      after: () => same("psql -f", "other"),
    },
    {
      name: "pg_restore -j2",
      before: () => fresh("other"),
      run: () => restore("other", "dump"),
      after: () => same("pg_restore", "other"),
    },
  ]);
  await sql(live, DAMAGE);
  const parts = await steps(live, "store", "rollback", backup);
  await same("rollback, step by step");
  note(`Of one rollback: ${parts.map(([step, seconds]) => `${step} ${seconds.toFixed(2)} s`).join(", ")}.`);
  const work = `rollback, ${label}`;
  compare(work, "rollback", "`psql -f` of the full SQL file", "psql -f of the full SQL file", { faster: 2 });
  compare(work, "rollback", "`pg_restore -j2` of a directory", "pg_restore -j2", { atMost: 1 });
}
