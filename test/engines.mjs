/**
 * @file Runs the suites that every engine must pass on the engines that are named, and their own tests:
 * `npm run test:engines -- tensorflow:cpu`. Further arguments are vitest's. Without a name it lists what there
 * is. An engine that is named and does not work here ends it with exit code 5: it is not a reason to test less.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineDevices, engineEntries } from "@dlc/runtime";

const tests = dirname(fileURLToPath(import.meta.url));
const known = Object.entries(engineDevices).flatMap(([engine, devices]) =>
  devices.map((device) => `${engine}:${device}`),
);

/** As it was given: probes may set what a library reads when it is loaded, such as its threads. */
const environment = { ...process.env };

const args = process.argv.slice(2);
const titles = args.filter((arg) => !arg.startsWith("-")).flatMap((arg) => arg.split(","));
const forVitest = args.filter((arg) => arg.startsWith("-"));

if (titles.length === 0) {
  console.log(known.join("\n"));
  process.exit(0);
}

for (const title of titles) {
  if (!known.includes(title)) {
    console.error(`There is no '${title}'; there is ${known.join(", ")}.`);
    process.exit(2);
  }
  const [engine, device] = title.split(":");
  const entry = engineEntries.find(({ name }) => name === engine);
  const { availability, detail, fix } = await entry.probe(device);
  if (availability !== "absent") continue;
  console.error(`${title} does not work here: ${detail}.${fix === null ? "" : ` Run: ${fix}`}`);
  process.exit(5);
}

/** Tests of the named engines alone: `test/runtime/tensorflow-graph.test.ts`. */
const engines = titles.map((title) => title.split(":")[0]);
const own = readdirSync(join(tests, "runtime")).filter((file) =>
  engines.some((engine) => file.startsWith(engine) && file.endsWith(".test.ts")),
);
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest")), "vitest.mjs");
const { status, signal } = spawnSync(
  process.execPath,
  [
    vitest,
    "run",
    ...[
      "registry/engines.test.ts",
      "registry/models.test.ts",
      "registry/half.test.ts",
      "registry/mixed-precision.test.ts",
      ...own.map((file) => `runtime/${file}`),
    ].map((file) => `test/${file}`),
    ...forVitest,
  ],
  {
    cwd: dirname(tests),
    stdio: "inherit",
    env: { ...environment, DLC_TEST_ENGINES: titles.join(",") },
  },
);
process.exit(signal === null ? status : 1);
