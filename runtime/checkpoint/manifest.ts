/**
 * @file The manifest of a checkpoint: which files belong to it, how long they are and their SHA-256.
 * Written last, so a folder without one is not a checkpoint; and it is hashed itself, so that no byte
 * of a checkpoint can change unnoticed (neither safetensors nor JSON would notice by themselves).
 */
import { sha256 } from "../sha256.js";
import { isCount, isRecord, parseStrictJson } from "./strict-json.js";

/** Raised when a reader of the former version would misread the folder. */
export const manifestVersion = 1;

export const fileNames = {
  /** Weights, buffers and averages: all that prediction needs. */
  weights: "weights.safetensors",
  /** Slots and accumulators. */
  optimizer: "optimizer.safetensors",
  /** Metric accumulators that are too large for JSON; only inside an epoch. */
  metrics: "metrics.safetensors",
  /** Where the run stands. */
  state: "state.json",
} as const;
export const manifestName = "manifest.json";

const known = new Set<string>(Object.values(fileNames));

export interface Manifest {
  readonly format: "dlc-checkpoint";
  readonly version: number;
  readonly dlc: string;
  /** The checkpoint folder's own name. */
  readonly name: string;
  readonly step: number;
  readonly specHash: string;
  readonly stateHash: string;
  /** Over the classes and scales of the data; absent in checkpoints of earlier versions. */
  readonly factsHash?: string;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

export function renderManifest(manifest: Manifest): string {
  const body = JSON.stringify(manifest);
  return `{"manifest":${body},"sha256":"${sha256(body)}"}\n`;
}

/** @throws Error (with a reason to show) unless the text is byte for byte what was written. */
export function parseManifest(text: string): Manifest {
  const outer = parseStrictJson(text);
  const manifest = isRecord(outer) ? outer.manifest : undefined;
  if (!isManifest(manifest)) throw new Error("is not a manifest of this version of dlc");
  if (renderManifest(manifest) !== text) throw new Error("does not match its own SHA-256");
  return manifest;
}

function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value) || value.format !== "dlc-checkpoint") return false;
  const { version, dlc, name, step, specHash, stateHash, factsHash, files } = value;
  return (
    version === manifestVersion &&
    [dlc, name, specHash, stateHash].every((item) => typeof item === "string") &&
    (factsHash === undefined || typeof factsHash === "string") &&
    isCount(step) &&
    isRecord(files) &&
    Object.entries(files).every(
      ([file, entry]) =>
        known.has(file) &&
        isRecord(entry) &&
        isCount(entry.bytes) &&
        typeof entry.sha256 === "string",
    )
  );
}
