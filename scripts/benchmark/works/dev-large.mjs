// `safemigrate dev` against plain `prisma migrate dev` on the large database.
import { equal, forget, medianOf, race } from "../bench.mjs";
import { copied, shopMigration, shopModels } from "../databases.mjs";
import { directoryDump } from "../peers.mjs";
import { lastMigration, makeProject, prisma, writeMigration } from "../project.mjs";
import { compare } from "../results.mjs";
import { againstPrisma, names, sayWhichEngine } from "./dev.mjs";

export const title = "`safemigrate dev` on a large database";

export async function measure({ database, runs, label }) {
  await copied(database, "dev_plain");
  const project = makeProject("plain", "dev_plain", shopModels());
  writeMigration(project, "0_init", shopMigration());
  await prisma(project, "migrate", "resolve", "--applied", "0_init");
  await race(runs, [
    { name: "pg_dump beside dev", run: () => directoryDump("dev_plain", "dump", "-Z1"), after: () => forget("dump") },
  ]);
  // the largest table is the one that changes
  await againstPrisma(project, runs, "large", () => "item");
  // a model that did not fit would show as a change of its own
  equal("the only change", lastMigration(project).match(/^(ALTER|CREATE|DROP)/gm).join(" "), "ALTER");
  const allowed = medianOf(names("large").plain) + medianOf("pg_dump beside dev") / 2;
  for (const [state, name] of Object.entries(names("large"))) {
    if (state === "plain") continue;
    const work = `\`safemigrate dev\`, ${label}, ${state}`;
    compare(work, name, `plain \`prisma migrate dev\` (${medianOf(names("large").plain).toFixed(2)} s) + half a \`pg_dump -Fd -j2 -Z1\``, allowed, { atMost: 1 });
  }
  sayWhichEngine();
}
