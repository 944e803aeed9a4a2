/** @file Which engine and device is used: what was asked for, or the best that is there; and why. */
import type { Engine } from "../engine.js";
import { DlcError } from "../errors.js";
import { parallelism } from "../parallelism.js";
import type { EngineEntry, Probe } from "./entry.js";

export interface EngineOptions {
  /** "auto" (default) takes the fastest engine that is installed. */
  readonly engine?: string | undefined;
  /** "auto" (default) takes the best device there is. */
  readonly device?: string | undefined;
  /** Threads of one operation; default: as many as the process may use. */
  readonly threads?: number | undefined;
}

/** One engine on one device. */
export interface Candidate {
  readonly entry: EngineEntry;
  readonly device: string;
}

const titleOf = ({ entry, device }: Candidate): string => `${entry.name}:${device}`;

/**
 * What "auto" prefers in Node, best first: a GPU by the engine with native gradient kernels, then by the others,
 * then the CPU by the engine that comes with the runtime (bench/step.mjs compares it with tensorflow:cpu). What is not
 * in this list is used when it is asked for.
 */
const nodeOrder: readonly string[] = ["tensorflow:cuda", "onnx:cuda", "onnx:webgpu", "onnx:cpu"];

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(", ");

function missing(message: string, help: string): DlcError {
  return new DlcError("engine-missing", message, { help, reason: "environment" });
}

/** The entries and devices that the options leave, in the order in which they are tried. */
function candidates(
  entries: readonly EngineEntry[],
  engine: string,
  device: string,
  autoOrder: readonly string[],
): readonly Candidate[] {
  const named = engine === "auto" ? entries : entries.filter(({ name }) => name === engine);
  if (named.length === 0) {
    const names = quoted(entries.map(({ name }) => name));
    throw missing(
      `there is no engine '${engine}'; there is ${names}`,
      `Use --engine auto, or name one of ${names}.`,
    );
  }
  const known = [...new Set(named.flatMap(({ devices }) => devices))];
  if (device !== "auto" && !known.includes(device)) {
    const owner = engine === "auto" ? "device" : `device of engine '${engine}'`;
    throw missing(
      `there is no ${owner} called '${device}'; there is ${quoted(known)}`,
      `Use --device auto, or name one of ${quoted(known)}.`,
    );
  }
  const all = named.flatMap((entry) => entry.devices.map((name) => ({ entry, device: name })));
  if (device !== "auto")
    return inAutoOrder(
      all.filter((one) => one.device === device),
      autoOrder,
    );
  const willing = all.filter(({ entry, device: name }) => !entry.onRequest.includes(name));
  return engine === "auto"
    ? inAutoOrder(willing, autoOrder).filter((one) => autoOrder.includes(titleOf(one)))
    : willing;
}

/** Those that "auto" prefers first, then the others as they come. */
function inAutoOrder(
  list: readonly Candidate[],
  autoOrder: readonly string[],
): readonly Candidate[] {
  const rank = (one: Candidate): number => {
    const place = autoOrder.indexOf(titleOf(one));
    return place < 0 ? autoOrder.length : place;
  };
  return list.toSorted((a, b) => rank(a) - rank(b));
}

export interface Choice extends Candidate {
  readonly probe: Probe;
  /** Candidates that were better but are not usable, in order. */
  readonly passed: readonly (Candidate & { readonly probe: Probe })[];
}

/** What was asked for, in words, as the beginning of a message. */
function wish(engine: string, device: string): string {
  if (engine === "auto")
    return device === "auto" ? "no engine" : `no engine with device '${device}'`;
  return device === "auto" ? `the engine '${engine}'` : `${engine}:${device}`;
}

/**
 * The first candidate that is ready. Where a device was named a software device will do if none is; otherwise
 * not.
 * @throws DlcError "engine-missing" where none is usable.
 */
export async function choose(
  entries: readonly EngineEntry[],
  { engine = "auto", device = "auto", threads = parallelism() }: EngineOptions,
  autoOrder: readonly string[] = nodeOrder,
): Promise<Choice> {
  const passed: (Candidate & { readonly probe: Probe })[] = [];
  for (const candidate of candidates(entries, engine, device, autoOrder)) {
    const probe = await candidate.entry.probe(candidate.device, { threads });
    if (probe.availability === "ready") return { ...candidate, probe, passed };
    passed.push({ ...candidate, probe });
  }
  const emulated = passed.find(({ probe }) => probe.availability === "software");
  if (device !== "auto" && emulated !== undefined) {
    return { ...emulated, passed: passed.filter((one) => one !== emulated) };
  }
  const reasons =
    passed.map((one) => `${titleOf(one)}: ${one.probe.detail}`).join("; ") ||
    "its devices are only used when they are named";
  const fix = passed.find(({ probe }) => probe.fix !== null)?.probe.fix ?? null;
  throw missing(
    engine === "auto"
      ? `${wish(engine, device)} can be used (${reasons})`
      : `${wish(engine, device)} cannot be used (${reasons})`,
    fix === null ? "`dlc doctor` tells what this machine has." : `Run: ${fix}`,
  );
}

/** What was chosen and for what reason, in one line. */
function explain({ entry, device, probe, passed }: Choice, engine: Engine, asked: boolean): string {
  const title = titleOf({ entry, device });
  const { threads } = engine;
  const count = device === "cpu" ? `, ${threads} ${threads === 1 ? "thread" : "threads"}` : "";
  const reasons = [
    ...(asked ? ["as asked"] : passed.length === 0 ? ["the best there is"] : []),
    ...(probe.availability === "software" ? ["emulated on the CPU, slow"] : []),
    ...passed.map((one) => `not ${titleOf(one)}: ${one.probe.detail}`),
  ];
  return `${title}${count} (${reasons.join("; ")})`;
}

/**
 * Starts an engine. `why` says in a few words what was chosen and for what reason.
 * Throws DlcError "engine-missing" where the engine or device asked for does not exist or cannot be used, and
 * "threads-invalid" for a number of threads that is not a whole number from 1.
 */
export async function startEngine(
  entries: readonly EngineEntry[],
  options: EngineOptions,
  autoOrder: readonly string[] = nodeOrder,
): Promise<{ engine: Engine; why: string }> {
  const { engine = "auto", device = "auto", threads = parallelism() } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new DlcError("threads-invalid", `threads must be a whole number from 1, not ${threads}`, {
      help: "Leave it out to use every core that is available.",
      reason: "usage",
    });
  }
  const choice = await choose(entries, { engine, device, threads }, autoOrder);
  const started = await choice.entry.start(choice.device, { threads });
  const asked = engine !== "auto" || device !== "auto";
  return { engine: started, why: explain(choice, started, asked) };
}
