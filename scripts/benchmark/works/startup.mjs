// What every command costs before it does anything.
import { median, ourEnvironment, run, safemigrate, sql, times } from "../bench.mjs";
import { fresh } from "../databases.mjs";
import { makeProject, plain } from "../project.mjs";
import { below, note } from "../results.mjs";

export const title = "start-up";

const STARTS = 50;
// bash's own clock: a process of its own for each start would be most of what is measured
const LOOP = 'for ((i = 0; i < $1; i++)); do from=$EPOCHREALTIME; "${@:2}" >/dev/null; to=$EPOCHREALTIME; echo $((${to/./} - ${from/./})); done';

async function starts(name, cwd, ...command) {
  const said = await run("bash", ["-c", LOOP, "starts", String(STARTS), ...command], { cwd, env: ourEnvironment });
  times[name] = said.trim().split("\n").map((microseconds) => Number(microseconds) / 1e6);
  return median(times[name]) * 1000;
}

export async function measure() {
  await fresh("small");
  await sql("small", "CREATE TABLE note (id int PRIMARY KEY, body text); INSERT INTO note VALUES (1, 'one')");
  const project = makeProject("started", "small", "");
  for (let n = 0; n < 10; n++) await plain(project, "backup", "-q");
  const backups = JSON.parse(await plain(project, "list", "--json")).backups.length;
  if (backups !== 20) throw new Error(`${backups} backups in the store of 20`);
  const nothing = await starts("start-up of /bin/true", project.root, "/bin/true");
  below("start-up: `--version`", await starts("--version", project.root, safemigrate, "--version"), "ms", 15);
  below("start-up: `list` of 20 backups", await starts("list", project.root, safemigrate, "list"), "ms", 30);
  note(`Start-ups are medians of ${STARTS}; \`/bin/true\` takes ${nothing.toFixed(1)} ms of each.`);
}
