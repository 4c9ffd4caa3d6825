// A checkpoint (both kinds, counts, digests) against the dumps that it stands for, and against reading alone.
import { forget, medianOf, ours, race, sql } from "../bench.mjs";
import { tables } from "../databases.mjs";
import { columnInserts, directoryDump, fullSql, readingAlone } from "../peers.mjs";
import { compare, tell } from "../results.mjs";

export const title = "a checkpoint";

export async function measure({ database, runs, slow, label }) {
  const read = await readingAlone(database);
  const names = await tables(database);
  await race(runs, [
    {
      name: "checkpoint",
      before: () => forget("store"),
      run: () => ours(database, "store", "backup"),
      // every row and every value of it against the live database
      after: () => ours(database, "store", "verify", "latest"),
    },
    { name: "pg_dump -Fd -j2 -Z1", run: () => directoryDump(database, "dump", "-Z1"), after: () => forget("dump") },
    { name: "reading alone", run: read },
    {
      name: "reading alone, by the server",
      run: () => Promise.all([0, 1].map((n) => sql(database, names.filter((_, i) => i % 2 === n).map((t) => `COPY ${t} TO '/dev/null'`).join(";")))),
    },
    {
      name: "two pg_dumps",
      runs: slow,
      run: async () => {
        await fullSql(database, "full.sql");
        await columnInserts(database, "inserts.sql");
      },
      after: () => ["full.sql", "inserts.sql"].forEach(forget),
    },
  ]);
  const work = `checkpoint, ${label}`;
  compare(work, "checkpoint", "`pg_dump` + `pg_dump --data-only --column-inserts`", "two pg_dumps", { faster: 6 });
  compare(work, "checkpoint", "`pg_dump -Fd -j2 -Z1`", "pg_dump -Fd -j2 -Z1", { atMost: 0.85 });
  compare(work, "checkpoint", "reading alone: `COPY … TO STDOUT`, two connections, thrown away", "reading alone", { atMost: 1.15 });
  tell(work, medianOf("checkpoint"), "s", "the server alone: `COPY … TO '/dev/null'`, two connections", medianOf("reading alone, by the server"));
}
