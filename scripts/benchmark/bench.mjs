// The scene of a benchmark: the private server, its programs, ours, and a clock around them.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";

export const home = path.resolve(import.meta.dirname, "../..");
export const folder = process.env.BENCH_FOLDER;
const bin = process.env.BENCH_BIN;
const server = new URL(process.env.BENCH_URL);

/** Where a file of the benchmark is, which goes with it. */
export const place = (...names) => path.join(folder, ...names);
export const url = (database) => `${server}/${database}`;
export const say = (...words) => console.error(...words);

// The environment of everybody here: nothing of the caller's but PATH. Peers and ours take the same way to the server.
mkdirSync(place("home"), { recursive: true });
export const environment = {
  PATH: `${bin}:${process.env.PATH}`,
  HOME: place("home"),
  LANG: "C.UTF-8",
  TERM: "xterm-256color",
  CHECKPOINT_DISABLE: "1",
  SAFEMIGRATE_PG_BIN: bin,
  PGHOST: server.hostname,
  PGPORT: server.port,
  PGUSER: server.username,
  PGPASSWORD: server.password,
  PGOPTIONS: "-c client_min_messages=warning",
};

/** Ours knows the address from --url or the project alone. */
export const ourEnvironment = Object.fromEntries(
  Object.entries(environment).filter(([name]) => !/^PG[A-Z]/.test(name)),
);

let serial = 0;
/**
 * Runs a program to its end; gives what it wrote to stdout, as text.
 * `output`: a file for stdout instead ("/dev/null" where nobody reads it). `whileRunning` is handed the process id.
 */
export async function run(program, words, { cwd = home, env = environment, output, stdin, whileRunning } = {}) {
  const [out, err] = [output ?? place(`out-${++serial}`), place(`err-${++serial}`)];
  const descriptors = [openSync(out, "w"), openSync(err, "w")];
  const child = spawn(program, words, { cwd, env, stdio: [stdin ?? "ignore", ...descriptors] });
  const watching = whileRunning?.(child.pid);
  const ended = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? signal));
  });
  await watching;
  descriptors.forEach(closeSync);
  const texts = [output ? "" : readFileSync(out, "utf8"), readFileSync(err, "utf8")];
  if (!output) rmSync(out);
  rmSync(err);
  if (ended !== 0) throw new Error(`${program} ${words.join(" ")}\nended with ${ended}\n${texts.join("\n")}`);
  return texts[0];
}

export const program = (name, ...words) => run(path.join(bin, name), words);
/** What psql says to some SQL, without its last newline. */
export const sql = async (database, text) =>
  (await program("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", text)).trimEnd();
export const script = (database, file, variables = {}) => {
  const set = Object.entries({ ON_ERROR_STOP: 1, ...variables }).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
  return run(path.join(bin, "psql"), ["-Xq", ...set, "-d", database, "-f", file], { output: "/dev/null" });
};

export const safemigrate = place("safemigrate");
/** The arguments of a command of ours on a database, with the store of that name. */
export const ourWords = (database, store, words) => [...words, "--url", url(database), "--store", place(store), "-q", "--yes"];
export const ours = (database, store, ...words) =>
  run(safemigrate, ourWords(database, store, words), { env: ourEnvironment });

/** Runs a command of ours; gives how many seconds each of the steps took that it names as it goes ("Restoring …"). */
export async function steps(database, store, ...words) {
  const child = spawn(safemigrate, ourWords(database, store, words).filter((word) => word !== "-q"), {
    env: ourEnvironment,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const named = [];
  for await (const line of createInterface({ input: child.stderr })) {
    if (/^\S.*…$/.test(line)) named.push([line.slice(0, -1).trim(), performance.now()]);
  }
  named.push(["", performance.now()]);
  return named.slice(0, -1).map(([step, start], n) => [step, (named[n + 1][1] - start) / 1000]);
}

export const times = {};
/** Wall seconds of a work, also written down under its name. */
export async function timed(name, work) {
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  (times[name] ??= []).push(seconds);
  say(`  ${seconds.toFixed(2).padStart(8)} s  ${name}`);
  return seconds;
}

/**
 * All contestants once, then all again: what the machine does meanwhile hits each.
 * A contestant: {name, before, run, after, runs}; only `run` is timed; `after` compares the result.
 */
export async function race(runs, contestants) {
  for (let round = 0; round < runs; round++) {
    for (const one of contestants) {
      if (round >= (one.runs ?? runs)) continue;
      await one.before?.(round);
      await settled();
      await timed(one.name, () => one.run(round));
      await one.after?.(round);
    }
  }
}

/** What others wrote before is not paid for by who comes next. */
async function settled() {
  await sql("postgres", "CHECKPOINT");
  await run("sync", []);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}
export const medianOf = (name) => median(times[name]);

export function equal(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: not what it was.\n--- before\n${expected}\n--- now\n${found}`);
}

/** Removes what a work has left of files. */
export const tidied = () => readdirSync(folder).filter((name) => !STAYS.includes(name)).forEach(forget);
const STAYS = ["postgres", "port", "safemigrate", "home"];

export const forget = (name) => rmSync(place(name), { recursive: true, force: true });
/** Bytes of all files of a folder of the benchmark. */
export const stored = (name) =>
  readdirSync(place(name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(`${entry.parentPath}/${entry.name}`).size, 0);
