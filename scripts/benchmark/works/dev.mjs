// `safemigrate dev` against plain `prisma migrate dev` of the same change, on a development database of 100 tables.
import { equal, forget, race, say, sql } from "../bench.mjs";
import { copied, digests, fresh, size, structure } from "../databases.mjs";
import { addField, copyProject, guarded, hasOwnEngine, lastMigration, makeProject, prisma } from "../project.mjs";
import { compare, note } from "../results.mjs";

export const title = "`safemigrate dev` on 100 tables";

const TABLES = 100;
/** About 200 kB with its indexes. */
const ROWS = 560;
const model = (n) => `Model${String(n).padStart(2, "0")}`;

/** Each model belongs to the one before it. */
function models() {
  const one = (n) => `model ${model(n)} {
  id Int @id @default(autoincrement())
  name String
  email String @unique
  note String?
  amount Decimal @db.Decimal(12, 2)
  at DateTime @default(now())
${n > 0 ? `  ownerId Int\n  owner ${model(n - 1)} @relation(fields: [ownerId], references: [id])\n` : ""}${
    n < TABLES - 1 ? `  owned ${model(n + 1)}[]\n` : ""
  }${n > 0 ? "\n  @@index([ownerId])\n" : ""}}
`;
  return Array.from({ length: TABLES }, (_, n) => one(n)).join("\n");
}

const fill = Array.from({ length: TABLES }, (_, n) => {
  const columns = `name, email, note, amount, at${n > 0 ? ', "ownerId"' : ""}`;
  return `INSERT INTO "${model(n)}" (${columns}) SELECT 'Name ' || md5(n::text), 'user' || n || '@example.com',
    CASE WHEN n % 3 = 0 THEN md5((n * 7)::text) END, n % 500 + 0.5, '2026-01-01'::timestamp + n * interval '1 min'${n > 0 ? ", n" : ""}
    FROM generate_series(1, ${ROWS}) n`;
}).join(";");

export async function measure({ runs }) {
  await fresh("dev_plain");
  const project = makeProject("plain", "dev_plain", models());
  await prisma(project, "migrate", "dev", "--name", "init");
  await sql("dev_plain", fill);
  await sql("dev_plain", "VACUUM ANALYZE");
  say(`  ${TABLES} tables, ${Math.round((await size("dev_plain")) / 1e6)} MB`);
  await againstPrisma(project, runs, "100 tables", (n) => model(n * 7));
  const size100 = Math.round((await size("dev_plain")) / 1e6);
  for (const [state, name] of Object.entries(names("100 tables"))) {
    if (state === "plain") continue;
    const work = `\`safemigrate dev\`, 100 tables, ${size100} MB, ${state}`;
    compare(work, name, "plain `prisma migrate dev`", "prisma migrate dev, 100 tables", { atMost: 1.1 });
  }
  sayWhichEngine();
}

export const names = (what) => ({
  plain: `prisma migrate dev, ${what}`,
  "an earlier backup in the store": `safemigrate dev, ${what}, an earlier backup in the store`,
  "the store empty": `safemigrate dev, ${what}, the store empty`,
});

/**
 * Both make the same change to the same data, each in a database of its own; a round changes twice, the first time with an
 * empty store. `changed(n)` is the model of the n-th change, which adds an optional field.
 */
export async function againstPrisma(project, runs, what, changed) {
  await copied("dev_plain", "dev_guarded");
  const ours = copyProject(project, "guarded", "dev_guarded");
  const name = names(what);
  const both = (n) => [project, ours].forEach((one) => addField(one, changed(n), `n${n}`));
  const same = async () => {
    equal("the migration", lastMigration(ours), lastMigration(project));
    equal("the structure", await structure("dev_guarded"), await structure("dev_plain"));
    equal("the rows", await digests("dev_guarded"), await digests("dev_plain"));
    const history = `SELECT count(*), count(finished_at), string_agg(substr(migration_name, 16), ' ' ORDER BY started_at) FROM _prisma_migrations`;
    equal("Prisma's history", await sql("dev_guarded", history), await sql("dev_plain", history));
  };
  const turn = (n) => ["--name", `n${n}`];
  const change = (offset, state) => [
    {
      name: name.plain,
      before: (round) => both(2 * round + offset),
      run: (round) => prisma(project, "migrate", "dev", ...turn(2 * round + offset)),
    },
    {
      name: name[state],
      before: () => offset === 0 && forget("guarded/.safemigrate"),
      run: (round) => guarded(ours, "dev", ...turn(2 * round + offset)),
      after: same,
    },
  ];
  await race(runs, [...change(0, "the store empty"), ...change(1, "an earlier backup in the store")]);
}

export function sayWhichEngine() {
  if (!hasOwnEngine) note("Prisma's schema engine is its WebAssembly build here (Prisma's own could not be fetched), for both sides.");
}
