/**
 * @file Sample folders test/samples/diagnostics/<code>/<case>: spec.yaml with «marks» round the places
 * that must be blamed, expected.txt, fixed.yaml where there is a certain fix, and other files as they
 * are. options.json: { "set": {…}, "insert": {"@WORD@": {"text": …, "times": …} or {"bytes": […]}} }.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadSpec } from "../../compiler/1-load/load-spec.js";
import { dataEntries } from "../../compiler/diagnostics/catalogue/data.js";
import { loadEntries } from "../../compiler/diagnostics/catalogue/load.js";
import { lowerEntries } from "../../compiler/diagnostics/catalogue/lower.js";
import type { Diagnostics } from "../../compiler/diagnostics/report.js";
import type { SourceFiles } from "../../compiler/diagnostics/source-files.js";
import { compile } from "../../compiler/pipeline.js";
import { readMarks } from "./marked.js";

export const samplesFolder = fileURLToPath(new URL("../samples/diagnostics/", import.meta.url));

export interface Outcome {
  readonly diagnostics: Diagnostics;
  readonly sources: SourceFiles;
  /** The folder that shown paths are relative to. */
  readonly base: string;
}

interface SampleInput {
  readonly folder: string;
  /** What stands in spec.yaml, without marks. */
  readonly content: string | Uint8Array;
  readonly set: Readonly<Record<string, string>>;
}

type RunStage = (input: SampleInput) => Promise<Outcome>;

const loaded: RunStage = async ({ folder, content, set }) => {
  const file = join(folder, "spec.yaml");
  const read = (path: string): string | Uint8Array =>
    path === file ? content : readFileSync(path);
  return { ...loadSpec(file, { set, read }), base: folder };
};

/** All stages, on a copy of the folder whose spec has no marks. */
const compiled: RunStage = async ({ folder, content, set }) => {
  const base = mkdtempSync(join(tmpdir(), "dlc-sample-"));
  try {
    cpSync(folder, base, { recursive: true });
    writeFileSync(join(base, "spec.yaml"), content);
    const { diagnostics, sources } = await compile(join(base, "spec.yaml"), { set });
    return { diagnostics, sources, base };
  } finally {
    rmSync(base, { recursive: true });
  }
};

/** How samples of each stage's codes are run; samples of other codes cannot be written as specs. */
const stages: readonly { readonly entries: object; readonly run: RunStage }[] = [
  { entries: loadEntries, run: loaded },
  { entries: lowerEntries, run: compiled },
  { entries: dataEntries, run: compiled },
];

export function runnerOf(code: string): RunStage {
  const stage = stages.find(({ entries }) => Object.hasOwn(entries, code));
  if (stage === undefined) throw new Error(`no stage that runs specs reports ${code}`);
  return stage.run;
}

export interface Sample {
  readonly code: string;
  readonly name: string;
  readonly folder: string;
}

export const samples: readonly Sample[] = folders(samplesFolder).flatMap((code) =>
  folders(join(samplesFolder, code)).map((name) => ({
    code,
    name,
    folder: join(samplesFolder, code, name),
  })),
);

function folders(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

interface Insert {
  readonly text?: string;
  readonly times?: number;
  readonly bytes?: readonly number[];
}

interface SampleOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly insert?: Readonly<Record<string, Insert>>;
}

export interface SampleSpec {
  readonly text: string;
  readonly marks: readonly { readonly start: number; readonly end: number }[];
  readonly run: (text: string) => Promise<Outcome>;
}

export function openSample({ code, folder }: Sample): SampleSpec {
  const path = join(folder, "options.json");
  const options: SampleOptions = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  let source = readFileSync(join(folder, "spec.yaml"), "utf8");
  let bytes: readonly number[] = [];
  for (const [word, insert] of Object.entries(options.insert ?? {})) {
    bytes = insert.bytes ?? bytes;
    // A byte that is not UTF-8 is read as one replacement character.
    const text = insert.bytes ? "\ufffd" : (insert.text ?? "").repeat(insert.times ?? 1);
    source = source.replace(word, text);
  }
  const { text, marks } = readMarks(source);
  const content = (given: string): string | Uint8Array => {
    if (bytes.length === 0) return given;
    const [before = "", after = ""] = given.split("\ufffd");
    return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
  };
  return {
    text,
    marks,
    run: (given) => runnerOf(code)({ folder, content: content(given), set: options.set ?? {} }),
  };
}

/** Compares a text with a file of the sample; `UPDATE=1` writes it instead. */
export function expectedText(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  if (process.env.UPDATE === "1") writeFileSync(path, text);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
