// A rehearsal against restoring the same data by hand and running the migration there.
import { medianOf, place, race, script, sql } from "../bench.mjs";
import { copied, fresh } from "../databases.mjs";
import { directoryDump, restore } from "../peers.mjs";
import { makeProject, plain, writeMigration } from "../project.mjs";
import { compare, tell } from "../results.mjs";

export const title = "a rehearsal";

const MIGRATION = `ALTER TABLE product ADD COLUMN weight integer NOT NULL DEFAULT 0;
ALTER TABLE orders ALTER COLUMN note TYPE varchar(64);
CREATE INDEX orders_at ON orders (at);
`;

export async function measure({ database, runs, label }) {
  const live = "bench_copy";
  await copied(database, live);
  const project = makeProject("rehearsed", live, "");
  writeMigration(project, "1_note", MIGRATION);
  const words = ["--project", project.root, "--store", place("store"), "-q", "--yes"];
  await plain(project, "backup", ...words);
  await directoryDump(live, "dump", "-Z1");
  const rehearse = async (how, ...more) => {
    const said = await plain(project, "rehearse", "--as", "deploy", ...more, ...words);
    if (!said.includes(how)) throw new Error(`the rehearsal was not "${how}":\n${said}`);
  };
  const idle = somebodyConnected(live);
  await race(runs, [
    {
      name: "pg_restore -j2 and the migration",
      before: () => fresh("other"),
      run: async () => {
        await restore("other", "dump");
        await script("other", place("rehearsed/prisma/migrations/1_note/migration.sql"));
      },
    },
    // nobody may be connected to what the server copies
    { name: "rehearse, restored", before: idle.comes, run: () => rehearse(" restored into"), after: idle.goes },
    { name: "rehearse, copied by the server", run: () => rehearse("copied by the server") },
    { name: "rehearse, a sample of 5 %", run: () => rehearse("", "--sample", "5%") },
  ]);
  const peer = ["`pg_restore -j2` and the migration", "pg_restore -j2 and the migration"];
  compare(`rehearsal, ${label}, the backup restored`, "rehearse, restored", ...peer, { atMost: 1.3 });
  tell(`rehearsal, ${label}, copied by the server`, medianOf("rehearse, copied by the server"), "s", peer[0], medianOf(peer[1]));
  tell(`rehearsal, ${label}, a sample of 5 %`, medianOf("rehearse, a sample of 5 %"), "s", peer[0], medianOf(peer[1]));
}

function somebodyConnected(database) {
  const others = `FROM pg_stat_activity WHERE datname = '${database}' AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()`;
  let ended;
  return {
    comes: async () => {
      ended = sql(database, "SELECT pg_sleep(600)").catch(() => "it was sent away");
      while ((await sql("postgres", `SELECT count(*) ${others}`)) === "0");
    },
    goes: async () => {
      await sql("postgres", `SELECT pg_terminate_backend(pid) ${others}`);
      await ended;
    },
  };
}
