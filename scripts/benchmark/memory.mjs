// What the kernel says of memory while a command of ours runs.
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { ourEnvironment, ourWords, run, safemigrate } from "./bench.mjs";

const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
function status(pid) {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

/** The process ids of a process and of all below it. */
function family(root) {
  const parents = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    parents.set(Number(pid), Number(/^PPid:\s+(\d+)/m.exec(status(pid))?.[1] ?? 0));
  }
  const found = [root];
  for (let at = 0; at < found.length; at++) {
    for (const [pid, parent] of parents) if (parent === found[at]) found.push(pid);
  }
  return found;
}

/** Peak bytes of a command of ours: of safemigrate itself (the kernel's high-water mark), and with pg_dump and pg_restore. */
export async function peak(database, store, ...words) {
  let [itself, together, running] = [0, 0, true];
  const watch = async (pid) => {
    while (running) {
      itself = Math.max(itself, field(status(pid), "VmHWM"));
      together = Math.max(together, family(pid).reduce((sum, one) => sum + field(status(one), "VmRSS"), 0));
      await pause(20);
    }
  };
  let watching;
  await run(safemigrate, ourWords(database, store, words), {
    env: ourEnvironment,
    output: "/dev/null",
    whileRunning: (pid) => void (watching = watch(pid)),
  });
  running = false;
  await watching;
  return { itself, together: Math.max(itself, together) };
}
