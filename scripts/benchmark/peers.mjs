// What people use in our place.
import { writeFileSync } from "node:fs";
import { forget, place, program, run, script, sql } from "./bench.mjs";
import { tables } from "./databases.mjs";

/** A directory of two processes; `-Z1` is the fastest compression that is one. */
export const directoryDump = (database, name, ...more) => {
  forget(name);
  return program("pg_dump", "-Fd", "-j2", ...more, "-f", place(name), database);
};
export const fullSql = (database, name) => program("pg_dump", "-f", place(name), database);
export const columnInserts = (database, name) =>
  program("pg_dump", "--data-only", "--column-inserts", "-f", place(name), database);
export const replay = (database, name) => script(database, place(name));
export const restore = (database, name, ...more) => program("pg_restore", "-d", database, "-j2", ...more, place(name));

const PIECES = 16;
/** Two scripts that read every row once: of each table page ranges in turn, so that each has half. */
async function halves(database) {
  const scripts = ["", ""];
  for (const table of await tables(database)) {
    const pages = Number(await sql(database, `SELECT pg_relation_size('${table}') / current_setting('block_size')::int`));
    const step = Math.max(1, Math.ceil(pages / PIECES));
    for (let from = 0, n = 0; from < pages; from += step, n++) {
      scripts[n % 2] += `COPY (SELECT * FROM ${table} WHERE ctid >= '(${from},0)' AND ctid < '(${from + step},0)') TO `;
      scripts[n % 2] += "STDOUT;\n";
    }
  }
  return scripts;
}

/** Prepares reading alone: COPY of all rows over two connections, thrown away. Gives what does it. */
export async function readingAlone(database) {
  const files = (await halves(database)).map((text, n) => {
    const file = place(`read-${database}-${n}.sql`);
    writeFileSync(file, text);
    return file;
  });
  return () => Promise.all(files.map((file) => script(database, file)));
}
