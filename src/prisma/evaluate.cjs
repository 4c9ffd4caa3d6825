// Asks the project's own Prisma what its configuration says, as Prisma's CLI does, and answers with one line of JSON
// behind a marker. The answer holds the database URL: it goes to the stdout pipe and nowhere else.
const [anchor, configFile, marker] = process.argv.slice(-3);
const { writeSync } = require("node:fs");
const { createRequire } = require("node:module");

function answer(value) {
  let rest = Buffer.from(`\n${marker}${JSON.stringify(value)}\n`);
  while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  process.exit(0);
}

function resolveFrom(file, name) {
  try {
    return createRequire(file).resolve(name);
  } catch {
    return undefined;
  }
}

async function main() {
  // what the configuration prints (dotenv greets on stdout) is no part of the answer
  process.stdout.write = process.stderr.write.bind(process.stderr);
  // a configuration may look at the command; it is always asked as for the one that matters
  process.argv = [process.execPath, "prisma", "migrate", "dev"];
  // the anchor is Prisma's package; under Plug'n'Play the project's; the wrapper of Prisma 7 has the real one behind it
  const prisma = resolveFrom(anchor, "prisma/package.json");
  const module = resolveFrom(anchor, "@prisma/config") ?? (prisma && resolveFrom(prisma, "@prisma/config"));
  if (module === undefined) return answer({ environment: process.env });
  const { loadConfigFromFile } = require(module);
  const { config, error, resolvedPath } = await loadConfigFromFile({ configFile: configFile || undefined });
  if (error) {
    const cause = error.error?.message ?? error.error;
    return answer({ failed: { tag: String(error._tag), file: resolvedPath, message: cause && String(cause) } });
  }
  answer({
    file: config.loadedFromFile ?? null,
    schema: config.schema ?? null,
    migrations: config.migrations?.path ?? null,
    engine: config.engine ?? null,
    url: config.datasource?.url ?? null,
    directUrl: config.datasource?.directUrl ?? null,
    shadowDatabaseUrl: config.datasource?.shadowDatabaseUrl ?? null,
    environment: process.env,
  });
}

main().catch((error) => answer({ failed: { tag: "UnknownError", message: String(error?.message ?? error) } }));
