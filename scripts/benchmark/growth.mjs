// How checkpoint and rollback grow with the database: time, memory, store.
import { writeFileSync } from "node:fs";
import { forget, median, ours, race, say, sql, stored, times } from "./bench.mjs";
import { gone, makeShop, remembered, rowCount, size } from "./databases.mjs";
import { peak } from "./memory.mjs";
import { plot } from "./plot.mjs";
import { DAMAGE } from "./works/rollback.mjs";

/** Bytes of a scale of 1, with indexes. */
const ONE = 4.6e6;
const DATABASE = "growing";

/** Measures databases of about so many megabytes; prints a table, and writes the plot where `svg` says. */
export async function growth(megabytes, runs, svg, machine) {
  const points = [];
  for (const wanted of megabytes) points.push(await measured(wanted, runs));
  console.log(`${machine}. Medians of ${runs} runs.\n`);
  console.log("| database | rows | checkpoint | its memory | its store | rollback | its memory | its store |");
  console.log("|---:|---:|---:|---:|---:|---:|---:|---:|");
  const mb = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  for (const point of points) {
    const one = ({ seconds, memory, store }) => [`${seconds.toFixed(2)} s`, mb(memory), mb(store)];
    console.log(`| ${[mb(point.bytes), point.rows, ...one(point.checkpoint), ...one(point.rollback)].join(" | ")} |`);
  }
  if (svg) writeFileSync(svg, plot(points));
  return points;
}

async function measured(wanted, runs) {
  await makeShop(DATABASE, wanted / (ONE / 1e6));
  const point = { bytes: await size(DATABASE), rows: await rowCount(DATABASE) };
  const label = `${Math.round(point.bytes / 1e6)} MB`;
  const same = await remembered(DATABASE);
  const [checkpoint, rollback] = [`checkpoint, ${label}`, `rollback, ${label}`];
  let backup, first;
  await race(runs, [
    {
      name: checkpoint,
      before: () => forget("store"),
      run: () => ours(DATABASE, "store", "backup"),
      after: async () => {
        backup = JSON.parse(await ours(DATABASE, "store", "list", "--json")).backups.find((one) => one.kind === "full").id;
        first = stored("store");
      },
    },
    {
      name: rollback,
      before: () => sql(DATABASE, DAMAGE),
      run: () => ours(DATABASE, "store", "rollback", backup),
      after: () => same(rollback),
    },
  ]);
  const last = stored("store");
  forget("store");
  say("  memory …");
  const memory = [await peak(DATABASE, "store", "backup")];
  backup = JSON.parse(await ours(DATABASE, "store", "list", "--json")).backups.find((one) => one.kind === "full").id;
  await sql(DATABASE, DAMAGE);
  memory.push(await peak(DATABASE, "store", "rollback", backup));
  forget("store");
  await gone(DATABASE);
  const figures = (name, { itself, together }, store) => ({ seconds: median(times[name]), memory: itself, together, store });
  point.checkpoint = figures(checkpoint, memory[0], first);
  point.rollback = figures(rollback, memory[1], last);
  return point;
}
