/** @file Generated images before a judge: a classifier, trained apart from the generator, names them. */
import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const dlc = fileURLToPath(new URL("../../compiler/bin/dlc.js", import.meta.url));
const run = promisify(execFile);

/** Part of a model's `expected.json`. */
export interface Judging {
  /** The model in `models/` that judges: it reads one image. */
  readonly by: string;
  /** The generator's condition. */
  readonly given: string;
  /** Of each value of the condition: the judge's class that it asks for. */
  readonly classes: Readonly<Record<string, string>>;
  /** Images of each. */
  readonly each: number;
  /** Share of all images that must be named as they should. */
  readonly atLeast: number;
}

interface Image {
  readonly value: { readonly shape: readonly number[]; readonly data: readonly number[] };
}

const linesOf = (text: string): unknown[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

/** `dlc predict` of one image each, as the lines it prints. */
async function namesOf(judge: string, images: readonly Image[]): Promise<readonly string[]> {
  const child = spawn(process.execPath, [dlc, "predict", judge, "-", "--json"]);
  const shown = images.map(({ value: { shape, data } }) =>
    JSON.stringify({ image: { shape, data: data.map((v) => Math.round(v)) } }),
  );
  child.stdin.end(`${shown.join("\n")}\n`);
  let [out, problems] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    problems += chunk;
  });
  const code = await new Promise((done) => child.on("close", done));
  if (code !== 0) throw new Error(`the judge failed (${code}): ${problems}`);
  return linesOf(out).map((line) => (line as { label: string }).label);
}

/** The share of generated images that the judge names as asked for, by value and of all. */
export async function recognised(
  generator: string,
  judge: string,
  { given, classes, each }: Judging,
): Promise<{ readonly all: number; readonly byValue: Readonly<Record<string, number>> }> {
  const byValue: Record<string, number> = {};
  let seed = 1;
  for (const [value, label] of Object.entries(classes)) {
    const condition = ["--given", `${given}=${value}`, "--count", String(each)];
    const { stdout } = await run(
      process.execPath,
      [dlc, "generate", generator, ...condition, "--seed", String(seed++), "--json"],
      { maxBuffer: 1 << 28 },
    );
    const names = await namesOf(judge, linesOf(stdout) as Image[]);
    if (names.length !== each) throw new Error(`${names.length} judgements of ${each} images`);
    byValue[value] = names.filter((name) => name === label).length / each;
  }
  const shares = Object.values(byValue);
  return { byValue, all: shares.reduce((sum, share) => sum + share, 0) / shares.length };
}

/** Trains the judge, unless the folder of runs has it. */
export async function trainedJudge(name: string, runs: string): Promise<string> {
  const spec = fileURLToPath(new URL(`../../models/${name}/spec.yaml`, import.meta.url));
  await run(process.execPath, [dlc, "train", spec, "--runs", runs], { maxBuffer: 1 << 26 });
  return join(runs, name);
}
