// The next backup of a database: nothing changed, then 1 % of the rows, at the end of each table or all over it.
import { forget, median, ours, race, sql, stored } from "../bench.mjs";
import { copied, rowsOf } from "../databases.mjs";
import { readingAlone } from "../peers.mjs";
import { below, compare, note } from "../results.mjs";

export const title = "the next backup";

/** Another value in one column of each table. */
const change = (which) =>
  `UPDATE customer SET name = name || '.' WHERE ${which("customers")}; UPDATE product SET price = price + 1 WHERE ${which("products")};
   UPDATE orders SET note = 'changed' WHERE ${which("orders")}; UPDATE item SET quantity = quantity + 1 WHERE ${which("items")}`;

export async function measure({ database, scale, runs, label }) {
  const counts = rowsOf(scale);
  const recent = change((table) => `id > ${Math.floor(counts[table] * 0.99)}`);
  const random = change(() => `abs(hashint8(id)) % 100 = 7`);
  const grown = { "nothing changed": [], "the newest 1 % changed": [], "a random 1 % changed": [] };
  const live = "bench_next";
  let before, first, read;
  const step = (what, text) => ({
    name: `next backup, ${what}`,
    before: async () => {
      if (text) await sql(live, text);
      read = await readingAlone(live);
      before = stored("next");
    },
    run: () => ours(live, "next", "backup"),
    after: async () => {
      grown[what].push(((stored("next") - before) / first) * 100);
      await ours(live, "next", "verify", "latest");
    },
  });
  const reading = (what) => ({ name: `reading alone, ${what}`, run: () => read() });
  await race(runs, [
    {
      name: "first backup",
      before: async () => {
        await copied(database, live);
        forget("next");
      },
      run: () => ours(live, "next", "backup"),
      after: () => (first = stored("next")),
    },
    step("nothing changed"),
    reading("nothing changed"),
    step("the newest 1 % changed", recent),
    reading("the newest 1 % changed"),
    step("a random 1 % changed", random),
    reading("a random 1 % changed"),
  ]);
  for (const what of Object.keys(grown)) {
    const goal = what === "nothing changed" ? 0.5 : 5;
    below(`next backup, ${label}, ${what}: the store grows by`, median(grown[what]), "%", goal);
    compare(`next backup, ${label}, ${what}`, `next backup, ${what}`, "reading alone", `reading alone, ${what}`, { atMost: 1 });
  }
  note("The store grows by so much of what the first backup took. A random 1 % of the rows is in nearly every segment of a table, and what is stored anew is whole segments.");
}
