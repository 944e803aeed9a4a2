/** @file The engines of this machine: what is found of each on every device, and whether it computes. */
import { fileURLToPath } from "node:url";
import type { Availability, EngineEntry, Probe } from "@dlc/runtime";
import { gist, runTool, type ToolResult } from "../../tool.js";

/** What try-engine.ts prints. */
export interface Attempt extends Probe {
  /** Why it did not compute although it was found; null: it did, or was not found. */
  readonly fault: string | null;
}

export interface EngineFinding {
  readonly engine: string;
  readonly device: string;
  /** absent as well where it was found but does not compute. */
  readonly availability: Availability;
  readonly detail: string;
  /** The one command that makes it work; null: it works, or there is none. */
  readonly fix: string | null;
}

/** A GPU may compile its kernels at the first start. */
const limitMs = 120_000;
/** Engines tried at a time: each is a process with its libraries. */
const atATime = 3;

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

/** Why the process has no answer. */
function silence({ outcome, endedBy, output }: ToolResult): string {
  if (outcome === "late") return `it did not answer in ${limitMs / 1000} seconds`;
  const end =
    endedBy === null ? "its process failed" : `its libraries ended the process (${endedBy})`;
  const words = gist(output, 1);
  return words === "" ? end : `${end}: ${words}`;
}

function attemptOf(result: ToolResult): Attempt | string {
  const line = result.output.split("\n").findLast((text) => text.startsWith('{"attempt":'));
  // Libraries that fail while the process ends have computed before.
  return line === undefined ? silence(result) : (JSON.parse(line) as { attempt: Attempt }).attempt;
}

async function tryEngine(engine: string, device: string): Promise<EngineFinding> {
  const script = fileURLToPath(new URL("./try-engine.js", import.meta.url));
  const result = await runTool(process.execPath, [script, engine, device], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" },
    limitMs,
  });
  const attempt = attemptOf(result);
  if (typeof attempt === "string") {
    return { engine, device, availability: "absent", detail: attempt, fix: null };
  }
  const { availability, detail, fix, fault } = attempt;
  if (fault === null) return { engine, device, availability, detail: firstLine(detail), fix };
  return {
    engine,
    device,
    availability: "absent",
    detail: `${firstLine(detail)}, but it does not compute: ${firstLine(fault)}`,
    fix,
  };
}

/** Tries every engine on every device, each in a process of its own; in the order of the entries. */
export async function tryEngines(
  entries: readonly EngineEntry[],
): Promise<readonly EngineFinding[]> {
  const all = entries.flatMap(({ name, devices }) =>
    devices.map((device) => [name, device] as const),
  );
  const findings = new Map<number, EngineFinding>();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) {
      const place = next++;
      const [engine, device] = all[place] ?? ["", ""];
      findings.set(place, await tryEngine(engine, device));
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return all.flatMap((_, i) => findings.get(i) ?? []);
}
