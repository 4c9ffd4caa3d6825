// Called by scripts/bench, which has started the server.
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { ourEnvironment, run, safemigrate, say, sql, tidied } from "./bench.mjs";
import { dropOthers, makeShop, rowCount, size } from "./databases.mjs";
import { keep, note, table } from "./results.mjs";

const WORKS = ["dev", "dev-large", "checkpoint", "lopsided", "next", "rollback", "reinsert", "staged", "rehearsal", "dslr", "startup", "memory"];
/** These make all of their data themselves. */
const WITHOUT_SHOP = ["dev", "lopsided", "startup"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: WORKS.join(",") },
    slow: { type: "string" },
    json: { type: "string" },
    growth: { type: "boolean" },
    sizes: { type: "string", default: "5,50,500,5000" },
    svg: { type: "string" },
  },
});
const numbers = positionals.map(Number);
const wanted = values.only.split(",").filter(Boolean);
const unknown = wanted.filter((name) => !WORKS.includes(name));
if (unknown.length || numbers.some((n) => !(n > 0))) {
  say(unknown.length ? `--only: ${unknown.join(", ")} is none of ${WORKS.join(" ")}` : `not a number: ${positionals.join(" ")}`);
  process.exit(2);
}

// a server that tidies up after one contestant would do so in the time of the next
await sql("postgres", "ALTER SYSTEM SET autovacuum = off");
await sql("postgres", "SELECT pg_reload_conf()");

const cores = cpus().length;
const about = {
  program: (await run(safemigrate, ["--version"], { env: ourEnvironment })).trim(),
  postgres: await sql("postgres", "SHOW server_version_num").then((n) => Math.floor(Number(n) / 10000)),
  fsync: await sql("postgres", "SHOW fsync"),
  cores,
  memory: totalmem(),
};
const megabytes = (bytes) => Math.round(bytes / 1e6);
const machine = () =>
  `PostgreSQL ${about.postgres} (fsync ${about.fsync}, autovacuum off), ${cores} cores (${cpus()[0].model.trim()}), ${megabytes(about.memory) / 1000} GB of memory`;

async function growing() {
  const { growth } = await import("./growth.mjs");
  const runs = numbers[0] ?? 5;
  const points = await growth(values.sizes.split(",").map(Number), runs, values.svg, machine());
  if (values.json) keep(values.json, { ...about, runs, growth: points });
}

async function comparing() {
  const [scale = 130, runs = 5] = numbers;
  const scene = { database: "bench", scale, runs, slow: Math.min(runs, Number(values.slow ?? runs)) };
  let data = "";
  if (wanted.some((name) => !WITHOUT_SHOP.includes(name))) {
    await makeShop(scene.database, scale);
    [about.bytes, about.rows] = [await size(scene.database), await rowCount(scene.database)];
    data = `, ${megabytes(about.bytes)} MB in ${about.rows} rows`;
  }
  say(`${machine()}${data}`);
  for (const name of WORKS.filter((name) => wanted.includes(name))) {
    await measured(name, { ...scene, label: `${megabytes(about.bytes ?? 0)} MB` });
    await dropOthers(scene.database);
    tidied();
  }
  const slow = scene.slow < runs ? ` (of the slowest peers ${scene.slow})` : "";
  console.log(`${machine()}${data}. Medians of ${runs} runs${slow}, alternating.\n\n${table()}`);
  if (values.json) keep(values.json, { ...about, scale, runs, slow: scene.slow });
}

/** One that fails does not take the figures of the others with it. */
async function measured(name, scene) {
  const start = performance.now();
  try {
    const { title, measure } = await import(`./works/${name}.mjs`);
    say(`${title} …`);
    await measure(scene);
  } catch (error) {
    note(`${name} FAILED: ${error.message.split("\n")[0]}`);
    say(error.message);
    process.exitCode = 1;
  }
  say(`  (${name} took ${((performance.now() - start) / 60000).toFixed(1)} minutes)`);
}

await (values.growth ? growing() : comparing());
