// The table: each work beside its peer and its goal. A figure is printed and kept, never judged by hand.
import { writeFileSync } from "node:fs";
import { median, medianOf, say, times } from "./bench.mjs";

const results = [];
const notes = [];

/**
 * Our median beside a peer's. `goal`: {atMost: 0.85} of the peer's time, or {faster: 6} times.
 * `peer`: the name of what was timed, or a number of seconds made of such.
 */
export function compare(work, ourName, peer, peerName, goal) {
  const [ours, theirs] = [medianOf(ourName), typeof peerName === "number" ? peerName : medianOf(peerName)];
  const ratio = goal.faster ? theirs / ours : ours / theirs;
  const met = goal.faster ? ratio >= goal.faster : ratio <= goal.atMost;
  add({ work, ours, unit: "s", peer, theirs, ratio, goal, met, runs: times[ourName].length });
}

/** A figure that stands alone, below a bound. */
export function below(work, ours, unit, under) {
  add({ work, ours, unit, goal: { under }, met: ours < under });
}

/** A figure of which nothing was promised. */
export function tell(work, ours, unit, peer, theirs) {
  add({ work, ours, unit, peer, theirs, ratio: theirs && ours / theirs });
}

/** A sentence below the table. */
export const note = (text) => notes.includes(text) || notes.push(text);

function add(result) {
  results.push(result);
  say(asLine(result));
}

const figure = (value, unit) => {
  if (value === undefined) return "";
  const digits = unit === "MB" ? 0 : unit === "ms" ? 1 : value < 0.1 && unit === "%" ? 3 : 2;
  return `${value.toFixed(digits)} ${unit}`;
};
function asked({ goal, unit }) {
  if (!goal) return "";
  if (goal.faster) return `${goal.faster} × faster`;
  return goal.atMost ? `at most ${goal.atMost.toFixed(2)} ×` : `under ${goal.under} ${unit}`;
}
const asLine = (r) =>
  `| ${[
    r.work,
    figure(r.ours, r.unit),
    r.peer ?? "",
    figure(r.theirs, r.unit),
    r.ratio === undefined ? "" : r.goal?.faster ? `${r.ratio.toFixed(1)} × faster` : `${r.ratio.toFixed(2)} ×`,
    asked(r),
    r.met === undefined ? "" : r.met ? "met" : "NOT met",
  ].join(" | ")} |`;

export function table() {
  const head = ["| work | ours | against | theirs | ratio | goal | |", "|---|---:|---|---:|---:|---|---|"];
  return [...head, ...results.map(asLine), ...(notes.length ? ["", ...notes.map((text) => `- ${text}`)] : [])].join("\n");
}

/** Everything measured, with every single time, in seconds. */
export const keep = (file, about) =>
  writeFileSync(file, `${JSON.stringify({ ...about, results, notes, times, medians: medians() }, null, 1)}\n`);
const medians = () => Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
