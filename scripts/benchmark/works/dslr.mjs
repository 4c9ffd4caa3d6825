// DSLR (PyPI): snapshots that are databases on the same server.
import { environment, forget, ours, place, race, run, sql, url } from "../bench.mjs";
import { copied, remembered } from "../databases.mjs";
import { compare, note } from "../results.mjs";
import { DAMAGE } from "./rollback.mjs";

export const title = "DSLR";

async function installed() {
  try {
    await run("python3", ["-m", "venv", place("venv")]);
    await run(place("venv/bin/pip"), ["install", "--quiet", "--disable-pip-version-check", "dslr", "psycopg2-binary"], {
      env: { ...process.env, HOME: place("home") },
    });
    return true;
  } catch (error) {
    note(`DSLR could not be installed here and is left out: ${error.message.trim().split("\n").at(-1)}`);
    return false;
  }
}

export async function measure({ database, runs, label }) {
  if (!(await installed())) return;
  const [theirs, live] = ["bench_dslr", "bench_copy"];
  for (const name of [theirs, live]) await copied(database, name);
  const same = await remembered(live);
  const dslr = (...words) => run(place("venv/bin/dslr"), ["--url", url(theirs), ...words], { env: environment });
  let backup;
  await race(runs, [
    { name: "dslr snapshot", run: (round) => dslr("snapshot", `s${round}`) },
    {
      name: "checkpoint beside dslr",
      before: () => forget("store"),
      run: () => ours(live, "store", "backup"),
      after: async () => {
        backup = JSON.parse(await ours(live, "store", "list", "--json")).backups.find((one) => one.kind === "full").id;
      },
    },
    {
      name: "dslr restore",
      before: () => sql(theirs, DAMAGE),
      run: (round) => dslr("restore", `s${round}`),
      after: async (round) => {
        await same("dslr restore", theirs);
        await dslr("delete", `s${round}`);
      },
    },
    {
      name: "rollback beside dslr",
      before: () => sql(live, DAMAGE),
      run: () => ours(live, "store", "rollback", backup),
      after: () => same("rollback"),
    },
  ]);
  compare(`checkpoint, ${label}`, "checkpoint beside dslr", "`dslr snapshot` (a template copy on the server)", "dslr snapshot", { atMost: 1.5 });
  compare(`rollback, ${label}`, "rollback beside dslr", "`dslr restore` (a template copy on the server)", "dslr restore", { atMost: 1.5 });
}
