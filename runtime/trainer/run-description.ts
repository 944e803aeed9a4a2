/** @file What a run was started with (run.json): a run is continued only with the same. */
import { factDifferences, factsOf } from "../checkpoint/facts.js";
import { isRecord, parseStrictJson } from "../checkpoint/strict-json.js";
import { DlcError } from "../errors.js";
import type { FittedFacts, ModelDefinition, TrainSpec } from "../spec.js";
import type { RunWarning } from "./run-store.js";

export const runFile = "run.json";

const { process: host } = globalThis as {
  readonly process?: { readonly versions?: { readonly node?: string } };
};
const nodeVersion = host?.versions?.node ?? null;

/** What a run was started with. A resumed run must agree, or its result would belong to no one spec. */
export interface RunDescription {
  readonly name: string;
  readonly dlc: string;
  /** The version of Node; null where there is none, as in a browser. */
  readonly node: string | null;
  readonly specHash: string;
  readonly stateHash: string;
  readonly settings: TrainSpec;
  readonly engine: { readonly name: string; readonly device: string; readonly threads: number };
  readonly examples: { readonly train: number; readonly validation: number };
  /** Classes and scales; absent in runs of earlier versions. */
  readonly facts?: FittedFacts;
  /** SHA-256 over the training and validation data; absent or null: unknown. */
  readonly dataHash?: string | null;
  /** SHA-256 of the weights that training started from; null: from initial values. */
  readonly startedFrom: string | null;
}

export function describeRun(
  definition: ModelDefinition,
  rest: Pick<RunDescription, "settings" | "engine" | "examples" | "dataHash" | "startedFrom">,
): RunDescription {
  return {
    name: definition.name,
    dlc: definition.dlcVersion,
    node: nodeVersion,
    specHash: definition.specHash,
    stateHash: definition.stateHash,
    facts: factsOf(definition),
    ...rest,
  };
}

export function renderDescription(description: RunDescription): string {
  return `${JSON.stringify(description, null, 2)}\n`;
}

/** @throws DlcError `damaged-run` where the text, which stands at `place`, is none. */
export function parseDescription(text: string, place: string): RunDescription {
  try {
    const value = parseStrictJson(text);
    if (isRecord(value) && isRecord(value.settings) && isRecord(value.engine)) {
      return value as unknown as RunDescription;
    }
  } catch {
    // Falls through: whatever is wrong with it, the run cannot be continued.
  }
  throw new DlcError("damaged-run", `${runFile} of the run cannot be read`, {
    place,
    help: "Start the run over with --fresh.",
  });
}

/** Changed facts that a message lists. */
const shownFacts = 3;

/** Settings that may change between two calls: more epochs, and how often to save. */
const changeable: ReadonlySet<string> = new Set(["epochs", "checkpoint"]);

/**
 * `path`: the run, for the message.
 * @throws DlcError `different-run`.
 */
export function requireSame(path: string, before: RunDescription, now: RunDescription): void {
  const reasons: string[] = [];
  if (before.stateHash !== now.stateHash) reasons.push("the model has other weights");
  else if (before.specHash !== now.specHash) reasons.push("the spec has changed");
  for (const key of Object.keys(now.settings) as (keyof TrainSpec)[]) {
    if (changeable.has(key)) continue;
    const [old, new_] = [canonical(before.settings[key]), canonical(now.settings[key])];
    if (old !== new_) reasons.push(`${key} was ${old}, is ${new_}`);
  }
  if (canonical(before.examples) !== canonical(now.examples)) {
    reasons.push(`the data had ${countOf(before)}, has ${countOf(now)}`);
  }
  const dataChanged = dataDifference(before, now);
  reasons.push(...dataChanged);
  if (before.startedFrom !== now.startedFrom) reasons.push("it started from other weights");
  if (reasons.length === 0) return;
  throw new DlcError(
    "different-run",
    `the run folder belongs to another run of ${before.name}: ${reasons.join("; ")}`,
    {
      place: path,
      help:
        reasons.length === dataChanged.length
          ? "Put the data back as they were, start over with --fresh, or train into another run folder with --runs <folder>."
          : "Start over with --fresh, train into another run folder with --runs <folder>, or undo the change.",
    },
  );
}

/** What the data say differently: a fact of them where one tells, else only that they changed. */
function dataDifference(before: RunDescription, now: RunDescription): readonly string[] {
  const facts = before.facts === undefined ? [] : factDifferences(before.facts, now.facts ?? {});
  if (facts.length > shownFacts) {
    return [...facts.slice(0, shownFacts), `${facts.length - shownFacts} more facts of the data`];
  }
  if (facts.length > 0) return facts;
  const known = before.dataHash != null && now.dataHash != null;
  return known && before.dataHash !== now.dataHash ? ["the content of the data has changed"] : [];
}

function countOf({ examples }: RunDescription): string {
  return `${examples.train} training and ${examples.validation} validation examples`;
}

/** What is different but no obstacle. */
export function differences(before: RunDescription, now: RunDescription): readonly RunWarning[] {
  const [old, new_] = [before.engine, now.engine].map(
    ({ name, device, threads }) =>
      `${name}:${device} with ${threads} ${threads === 1 ? "thread" : "threads"}`,
  );
  if (old === new_) return [];
  return [
    {
      code: "engine-changed",
      message: `the run was started on ${old} and continues on ${new_}: its result will differ in the last digits`,
    },
  ];
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    isRecord(item) ? Object.fromEntries(Object.entries(item).sort()) : item,
  );
}
