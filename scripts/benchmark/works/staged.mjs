// Re-inserts that cannot copy straight: columns of other types, and one row that does not fit.
import { equal, medianOf, ours, race, sql } from "../bench.mjs";
import { copied, digests } from "../databases.mjs";
import { compare, tell } from "../results.mjs";

export const title = "a re-insert through staging";

export async function measure({ database, scale, runs, label }) {
  const live = "bench_copy";
  await copied(database, live);
  await ours(live, "store", "backup", "--kind", "data-only");
  const backup = JSON.parse(await ours(live, "store", "list", "--json")).backups[0].id;
  await ours(live, "store", "pin", backup);
  const rows = await digests(live);
  const same = async () => equal("re-insert", await digests(live), rows);
  const empty = "TRUNCATE customer, product, orders, item";
  const types = (quantity, note) => `ALTER TABLE item ALTER quantity TYPE ${quantity}; ALTER TABLE orders ALTER note TYPE ${note}`;
  const unfit = Math.ceil((scale * 18000) / 3);
  const reinsert = (...words) => ours(live, "store", "reinsert", backup, ...words);
  await race(runs, [
    { name: "the same re-insert, straight", before: () => sql(live, `${empty}; ${types("int", "text")}`), run: () => reinsert(), after: same },
    {
      name: "re-insert, two columns cast",
      before: () => sql(live, `${empty}; ${types("bigint", "varchar(100)")}`),
      run: () => reinsert(),
      after: same,
    },
    {
      name: "re-insert, one row that does not fit",
      before: () => sql(live, `${empty}; ${types("int", "text")}; ALTER TABLE item ADD CONSTRAINT fits CHECK (id <> ${unfit})`),
      run: () => reinsert("--rejects", "save"),
      after: async () => {
        await sql(live, "ALTER TABLE item DROP CONSTRAINT fits");
        equal("all rows but one", await sql(live, "SELECT count(*) FROM item"), String(Math.round(scale * 18000) - 1));
      },
    },
  ]);
  compare(`re-insert, ${label}, two columns cast`, "re-insert, two columns cast", "the same rows straight", "the same re-insert, straight", { atMost: 3 });
  tell(`re-insert, ${label}, one row does not fit`, medianOf("re-insert, one row that does not fit"), "s", "the same rows straight", medianOf("the same re-insert, straight"));
}
