// The data that is measured with, and what it is held against afterwards.
import { readFileSync } from "node:fs";
import path from "node:path";
import { equal, home, program, say, script, sql } from "./bench.mjs";

const shop = (file) => path.join(home, "scripts/benchmark/shop", file);
export const shopMigration = () => ["tables.sql", "indexes.sql"].map((file) => readFileSync(shop(file), "utf8")).join("");
export const shopModels = () => readFileSync(shop("models.prisma"), "utf8");

/** How many rows a scale has: about 27,000 and 4 MB for each 1. */
export const rowsOf = (scale) =>
  Object.fromEntries(
    Object.entries({ customers: 1500, products: 700, orders: 7000, items: 18000 }).map(([table, each]) => [
      table,
      Math.max(1, Math.round(each * scale)),
    ]),
  );

export async function makeShop(database, scale) {
  say(`making the database (scale ${scale}) …`);
  await fresh(database);
  await script(database, shop("tables.sql"));
  await script(database, shop("rows.sql"), rowsOf(scale));
  await script(database, shop("indexes.sql"));
  await sql(database, "VACUUM ANALYZE");
  await sql("postgres", "CHECKPOINT");
}

export async function fresh(database) {
  await gone(database);
  await sql("postgres", `CREATE DATABASE ${database}`);
}
export const gone = (database) => sql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
/** Drops all but the server's own and one. */
export async function dropOthers(but) {
  const others = `SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', '${but}')`;
  for (const name of (await sql("postgres", others)).split("\n").filter(Boolean)) await gone(name);
}
/** The same rows on the same pages. */
export async function copied(from, database) {
  await gone(database);
  await sql("postgres", `CREATE DATABASE ${database} TEMPLATE ${from}`);
  await sql("postgres", "CHECKPOINT");
}

const TABLES = `SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`;
export const tables = async (database) => (await sql(database, `${TABLES} ORDER BY 1`)).split("\n").filter(Boolean);

/** Of each table how many rows, and two 64-bit sums of what they are; Prisma's history apart, which has times in it. */
export async function digests(database) {
  const names = (await tables(database)).filter((name) => name !== "_prisma_migrations");
  const sum = (seed) => `coalesce(sum(hashtextextended(t::text, ${seed})::numeric), 0)`;
  const one = (name) => `SELECT '${name}', count(*), ${sum(0)}, ${sum(1)} FROM ${name} t`;
  return sql(database, `SET TimeZone = 'UTC'; ${names.map(one).join(" UNION ALL ")} ORDER BY 1`);
}

/** What pg_dump says of the structure, without what it rolls the dice for. */
export async function structure(database) {
  const text = await program("pg_dump", "--schema-only", "--no-owner", database);
  return text.replace(/^\\(un)?restrict .*$/gm, "").replace(/\n{2,}/g, "\n");
}

/** Remembers a database; what is given back compares another with it. */
export async function remembered(database) {
  const [rows, schema] = [await digests(database), await structure(database)];
  return async (what, other = database) => {
    equal(`${what}: rows`, await digests(other), rows);
    equal(`${what}: structure`, await structure(other), schema);
  };
}

/** Bytes of all tables with their indexes. */
export const size = async (database) =>
  Number(await sql(database, `SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`));
export const rowCount = async (database) =>
  (await digests(database)).split("\n").reduce((sum, line) => sum + Number(line.split("|")[1]), 0);
