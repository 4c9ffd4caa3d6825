#!/usr/bin/env node
"use strict";
// Finds the native program for this machine, which npm has put beside us, and lets it do everything.

const fs = require("node:fs");

const TOOL_MISSING = 12; // as everywhere in safemigrate
const platform = `${process.platform}-${process.arch}`;
const words = process.argv.slice(2);

function fail(message, hints) {
  const ours = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  if (ours.includes("--json")) {
    const error = { kind: "tool", message, hints };
    fs.writeSync(1, `${JSON.stringify({ command: "safemigrate", ok: false, error })}\n`);
  } else {
    fs.writeSync(2, [`error: ${message}`, ...hints.map((hint) => `hint: ${hint}`), ""].join("\n"));
  }
  process.exit(TOOL_MISSING);
}

function program() {
  const { optionalDependencies } = require("../package.json");
  const name = `@safemigrate/${platform}`;
  if (!(name in optionalDependencies)) {
    const known = Object.keys(optionalDependencies).map((known) => known.split("/")[1]);
    const hints = [`There is one for ${known.join(", ")}.`];
    if (process.platform === "win32") hints.push("On Windows it runs inside of WSL (https://learn.microsoft.com/windows/wsl).");
    fail(`There is no safemigrate for ${platform} yet. Nothing was changed`, hints);
  }
  try {
    return require.resolve(`${name}/bin/safemigrate`);
  } catch {
    return fail(`${name}, the package with the program itself, is not installed. Nothing was changed`, why(name));
  }
}

// What leaves an optional dependency out.
function why(name) {
  if (process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime) {
    return [`${name} is for glibc, and this is another libc (Alpine has musl): take an image with Debian, as node:22-slim.`];
  }
  return [
    "Install without --omit=optional (npm) or --no-optional (pnpm): it is an optional dependency.",
    "When node_modules or the lock file come from another kind of machine: delete node_modules and install again.",
  ];
}

// Older Node.js cannot become another program. So it stays behind it, and ends as it does.
function follow(file) {
  const { spawn } = require("node:child_process");
  // Before the program is there: it may be told to end as soon as it is.
  let child;
  // The terminal tells these to the child as well: it decides what they mean.
  for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP"]) process.on(signal, () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child = spawn(file, words, { stdio: "inherit" });
  child.on("error", (error) => cannotStart(file, error));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function cannotStart(file, error) {
  fail(`${file} cannot be started: ${error.message}. Nothing was changed`, ["Delete node_modules and install again."]);
}

const file = program();
if (typeof process.execve === "function") {
  try {
    // a failed execve would end in an abort without a word
    fs.accessSync(file, fs.constants.X_OK);
  } catch (error) {
    cannotStart(file, error);
  }
  process.execve(file, [file, ...words], process.env);
} else {
  follow(file);
}
