// One table holds 95 % of the data: pg_dump gives it to one of its processes.
import { forget, ours, race, sql } from "../bench.mjs";
import { fresh, size } from "../databases.mjs";
import { directoryDump } from "../peers.mjs";
import { compare } from "../results.mjs";

export const title = "a checkpoint of one large table among small ones";

export async function measure({ scale, runs }) {
  const rows = Math.round(scale * 20000);
  await fresh("lopsided");
  const text = "md5(n::text) || ' ' || md5((n * 7)::text) || ' ' || n % 1000";
  await sql(
    "lopsided",
    `CREATE TABLE large (id bigserial PRIMARY KEY, body text NOT NULL, at timestamptz NOT NULL);
     INSERT INTO large (body, at) SELECT ${text}, '2026-01-01'::timestamptz + n * interval '1 s' FROM generate_series(1, ${rows}) n;` +
      [1, 2, 3, 4, 5]
        .map((k) => `CREATE TABLE small${k} AS SELECT n AS id, ${text} AS body FROM generate_series(1, ${Math.round(rows / 95)}) n;`)
        .join("") +
      [1, 2, 3, 4, 5].map((k) => `ALTER TABLE small${k} ADD PRIMARY KEY (id);`).join(""),
  );
  await sql("lopsided", "VACUUM ANALYZE");
  const name = "pg_dump -Fd -j2 of one large table";
  await race(runs, [
    {
      name: "checkpoint of one large table",
      before: () => forget("lop"),
      run: () => ours("lopsided", "lop", "backup"),
      after: () => ours("lopsided", "lop", "verify", "latest"),
    },
    { name, run: () => directoryDump("lopsided", "dump"), after: () => forget("dump") },
  ]);
  const label = `${Math.round((await size("lopsided")) / 1e6)} MB`;
  compare(`checkpoint, one table holds 95 % of ${label}`, "checkpoint of one large table", "`pg_dump -Fd -j2`", name, { atMost: 0.6 });
}
