// A Prisma 7 project of the benchmark, at a terminal: `migrate dev` wants one.
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { home, ourEnvironment, place, run, safemigrate, url } from "./bench.mjs";

const fixture = path.join(home, "fixtures/prisma7");
const engines = path.join(fixture, "node_modules/@prisma/engines");
/** Prisma's own engine where scripts/setup could fetch it, else the WebAssembly build of it. */
export const hasOwnEngine = readdirSync(engines).some((name) => name.startsWith("schema-engine-"));
const standIn = { PRISMA_SCHEMA_ENGINE_BINARY: path.join(home, "fixtures/engine/schema-engine.mjs"), ENGINE_MODULES: fixture };
const environment = { ...ourEnvironment, ...(hasOwnEngine ? {} : standIn) };

/** A folder with the datasource and these models, whose `.env` names the database. */
export function makeProject(name, database, models) {
  const root = place(name);
  mkdirSync(path.join(root, "prisma/migrations"), { recursive: true });
  for (const file of ["package.json", "prisma.config.ts"]) cpSync(path.join(fixture, file), path.join(root, file));
  symlinkSync(path.join(fixture, "node_modules"), path.join(root, "node_modules"));
  writeFileSync(path.join(root, "prisma/migrations/migration_lock.toml"), 'provider = "postgresql"\n');
  writeFileSync(path.join(root, ".env"), `DATABASE_URL="${url(database)}"\n`);
  const project = { root, models };
  writeModels(project, models);
  return project;
}

/** The same project, in another folder and for another database. */
export function copyProject(project, name, database) {
  const copy = makeProject(name, database, project.models);
  cpSync(path.join(project.root, "prisma/migrations"), path.join(copy.root, "prisma/migrations"), { recursive: true });
  return copy;
}

export function writeMigration(project, name, text) {
  const folder = path.join(project.root, "prisma/migrations", name);
  mkdirSync(folder);
  writeFileSync(path.join(folder, "migration.sql"), text);
}

export function writeModels(project, models) {
  project.models = models;
  const datasource = readFileSync(path.join(fixture, "datasource.prisma"), "utf8");
  writeFileSync(path.join(project.root, "prisma/schema.prisma"), `${datasource}\n${models}`);
}

/** One more optional field in a model. */
export const addField = (project, model, field) =>
  writeModels(project, project.models.replace(new RegExp(`^model ${model} \\{$`, "m"), `$&\n  ${field} String?`));

/** The SQL of the last migration. */
export function lastMigration(project) {
  const folder = path.join(project.root, "prisma/migrations");
  const last = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort().at(-1);
  return readFileSync(path.join(folder, last, "migration.sql"), "utf8");
}

export const prisma = (project, ...words) => atTerminal(project, path.join(fixture, "node_modules/.bin/prisma"), words);
export const guarded = (project, ...words) => atTerminal(project, safemigrate, words);
/** Without a terminal. */
export const plain = (project, ...words) => run(safemigrate, words, { cwd: project.root, env: environment });

/** Nobody types; `script` gives back the exit code. Its input stays open: an end of it would be a Ctrl-D. */
const atTerminal = (project, command, words) =>
  run("script", ["-qefc", `exec ${command} ${words.join(" ")}`, "/dev/null"], { cwd: project.root, env: environment, stdin: "pipe" });
