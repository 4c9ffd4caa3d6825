// The rows of a backup into emptied tables, with constraints and indexes in place.
import { ours, race, sql } from "../bench.mjs";
import { copied, remembered } from "../databases.mjs";
import { columnInserts, directoryDump, replay, restore } from "../peers.mjs";
import { compare } from "../results.mjs";

export const title = "a re-insert";

export async function measure({ database, runs, slow, label }) {
  const live = "bench_copy";
  await copied(database, live);
  const same = await remembered(live);
  await ours(live, "store", "backup", "--kind", "data-only");
  const backup = JSON.parse(await ours(live, "store", "list", "--json")).backups[0].id;
  await ours(live, "store", "pin", backup);
  await columnInserts(live, "inserts.sql");
  await directoryDump(live, "dump", "-Z1");
  const empty = () => sql(live, "TRUNCATE customer, product, orders, item");
  await race(runs, [
    { name: "re-insert", before: empty, run: () => ours(live, "store", "reinsert", backup), after: () => same("re-insert") },
    {
      // it fails on the foreign keys unless their triggers rest, which only a superuser may order
      name: "pg_restore --data-only -j2 --disable-triggers",
      before: empty,
      run: () => restore(live, "dump", "--data-only", "--disable-triggers"),
      after: () => same("pg_restore --data-only"),
    },
    { name: "psql -f of column inserts", runs: slow, before: empty, run: () => replay(live, "inserts.sql"), after: () => same("psql -f") },
  ]);
  const work = `re-insert into empty tables, ${label}`;
  compare(work, "re-insert", "`psql -f` of column inserts", "psql -f of column inserts", { faster: 30 });
  compare(work, "re-insert", "`pg_restore --data-only -j2 --disable-triggers`", "pg_restore --data-only -j2 --disable-triggers", { atMost: 1.2 });
}
