/** @file The metrics log of a run (metrics.ndjson): a line of JSON for each epoch. */
import { isRecord, parseStrictJson } from "../checkpoint/strict-json.js";
import type { EpochRecord } from "./events.js";

export const metricsFile = "metrics.ndjson";

export interface RunLog {
  readonly records: EpochRecord[];
  /** Length of the lines that were read. */
  readonly bytes: number;
  /** Lines that are no records. */
  readonly damaged: number;
}

export function renderRecord(record: EpochRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** The whole lines within the first so many bytes. */
export function readLog(content: Uint8Array, bytes: number): RunLog {
  const whole = content.subarray(0, content.subarray(0, bytes).lastIndexOf(0x0a) + 1);
  const lines = new TextDecoder()
    .decode(whole)
    .split("\n")
    .filter((line) => line !== "");
  const records = lines.map(readRecord).filter((record) => record !== null);
  return { records, bytes: whole.length, damaged: lines.length - records.length };
}

/** A line of the log; null if it is none. */
function readRecord(line: string): EpochRecord | null {
  try {
    const value: unknown = parseStrictJson(line);
    const { epoch, step, learningRate, train, validation } = Object(value) as Partial<EpochRecord>;
    const numbers = [epoch, step, learningRate].every((item) => typeof item === "number");
    if (!numbers || !isRecord(train) || (validation !== null && !isRecord(validation))) return null;
    return reviveRecord(value as EpochRecord);
  } catch {
    return null;
  }
}

/** JSON writes NaN as null. */
function reviveRecord(record: EpochRecord): EpochRecord {
  const revive = (values: EpochRecord["train"]): EpochRecord["train"] =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? Number.NaN]));
  return {
    ...record,
    train: revive(record.train),
    validation: record.validation === null ? null : revive(record.validation),
  };
}
