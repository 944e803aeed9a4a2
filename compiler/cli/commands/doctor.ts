/** @file `dlc doctor`: what this machine has, what is missing, and the command that mends it. */
import { constants } from "node:fs";
import { access, readFile, statfs } from "node:fs/promises";
import { createRequire } from "node:module";
import { freemem, totalmem } from "node:os";
import { engineEntries } from "@dlc/runtime";
import { version } from "../../version.js";
import { on, type Run } from "../command.js";
import { bytes } from "../table.js";
import { type EngineFinding, tryEngines } from "./doctor/engines.js";

interface Finding {
  readonly part: string;
  /** missing: something dlc needs; absent: something optional; software: works, emulated on the CPU. */
  readonly state: "ok" | "software" | "missing" | "absent";
  readonly detail: string;
  readonly fix: string | null;
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const fits = major > 20 || (major === 20 && minor >= 19);
  return {
    part: "Node.js",
    state: fits ? "ok" : "missing",
    detail: `${process.version}, ${process.platform} ${process.arch}`,
    fix: fits ? null : "Install Node.js 20.19 or later.",
  };
}

/** Absent engines are fine as long as one works. */
function engineFindings(engines: readonly EngineFinding[]): Finding[] {
  const works = engines.some(({ availability }) => availability === "ready");
  const states = { ready: "ok", software: "software", absent: "absent" } as const;
  return engines.map(({ engine, device, availability, detail, fix }) => {
    const needed = !works && engine === "onnx" && device === "cpu";
    return {
      part: `engine ${engine}:${device}`,
      state: needed && availability === "absent" ? "missing" : states[availability],
      detail: availability === "absent" ? detail : `works; ${detail}`,
      fix: availability === "absent" ? fix : null,
    };
  });
}

async function images(): Promise<Finding> {
  const part = "image files (sharp)";
  const require = createRequire(createRequire(import.meta.url).resolve("@dlc/runtime"));
  try {
    const sharp = require("sharp") as { versions: { sharp?: string } };
    return { part, state: "ok", detail: `version ${sharp.versions.sharp ?? "?"}`, fix: null };
  } catch (error) {
    return { part, state: "absent", detail: messageOf(error), fix: "npm install sharp@0.35.5" };
  }
}

async function runtimeVersion(): Promise<Finding> {
  const path = createRequire(import.meta.url).resolve("@dlc/runtime/package.json");
  const found = (JSON.parse(await readFile(path, "utf8")) as { version: string }).version;
  const same = found === version;
  return {
    part: "@dlc/runtime",
    state: same ? "ok" : "missing",
    detail: same ? found : `${found}, but the compiler is ${version}`,
    fix: same ? null : `npm install @dlc/runtime@${version}`,
  };
}

function memory(): Finding {
  const free = freemem();
  const enough = free > 1e9;
  return {
    part: "memory",
    state: enough ? "ok" : "absent",
    detail: `${bytes(free)} free of ${bytes(totalmem())}`,
    fix: enough ? null : "Close other programs, or use a smaller batch.",
  };
}

async function disk(): Promise<Finding> {
  const part = "working folder";
  try {
    await access(".", constants.W_OK);
    const { bavail, bsize } = await statfs(".");
    const free = bavail * bsize;
    const enough = free > 1e9;
    return {
      part,
      state: enough ? "ok" : "absent",
      detail: `writable, ${bytes(free)} free`,
      fix: enough ? null : "Free some space: checkpoints need it.",
    };
  } catch (error) {
    return { part, state: "missing", detail: messageOf(error), fix: "Change to a folder you own." };
  }
}

export const run: Run = async ({ options, console }) => {
  if (on(options, "matrix")) {
    const { printMatrix } = await import("./doctor/matrix.js");
    await printMatrix(console);
    return "ok";
  }
  const engines = await tryEngines(engineEntries);
  const findings = [
    node(),
    await runtimeVersion(),
    ...engineFindings(engines),
    await images(),
    memory(),
    await disk(),
  ];
  const healthy = findings.every(({ state }) => state !== "missing");
  if (console.json) {
    console.document({ version, healthy, findings, engines });
  } else {
    const { green, red, yellow, bold } = console.resultColors;
    const marks = {
      ok: green("ok      "),
      software: yellow("software"),
      missing: red("MISSING "),
      absent: yellow("absent  "),
    };
    for (const { part, state, detail, fix } of findings) {
      console.result(`${marks[state]}  ${bold(part)}: ${detail}`);
      if (fix !== null) console.result(`          fix: ${fix}`);
    }
  }
  return healthy ? "ok" : "environment";
};
