// The most memory that a command takes.
import { ours, sql } from "../bench.mjs";
import { copied } from "../databases.mjs";
import { peak } from "../memory.mjs";
import { below, note } from "../results.mjs";
import { DAMAGE } from "./rollback.mjs";

export const title = "peak memory";

export async function measure({ database, label }) {
  const live = "bench_copy";
  await copied(database, live);
  const together = [];
  const measured = async (name, ...words) => {
    const found = await peak(live, "store", ...words);
    below(`peak memory of \`${name}\`, ${label}`, found.itself / 1e6, "MB", 80);
    together.push(`\`${name}\` ${Math.round(found.together / 1e6)} MB`);
  };
  await measured("backup", "backup");
  const backups = JSON.parse(await ours(live, "store", "list", "--json")).backups;
  const id = (kind) => backups.find((one) => one.kind === kind).id;
  for (const kind of ["full", "data-only"]) await ours(live, "store", "pin", id(kind));
  await measured("verify", "verify", "latest");
  await sql(live, "TRUNCATE customer, product, orders, item");
  await measured("reinsert", "reinsert", id("data-only"));
  await sql(live, DAMAGE);
  await measured("rollback", "rollback", id("full"));
  note(`Memory is the kernel's high-water mark of safemigrate itself; together with \`pg_dump\` and \`pg_restore\` that it starts (resident, shared pages counted again): ${together.join(", ")}.`);
}
