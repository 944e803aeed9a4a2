/** @file `dlc generate`: new examples from a trained generator: pictures, texts, or anything as JSON. */
import { statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { FeatureSpec, GeneratedText, SequenceOptions } from "@dlc/runtime";
import { DlcError } from "@dlc/runtime/errors";
import { count, type OptionValues, type Run, text } from "../command.js";
import { engineOptions } from "../engine-options.js";
import { type AnyModel, findTrained, weightsOf } from "../generated.js";
import { generatesImages, generatesText, writeSheet } from "../generated-output.js";
import { shownPath } from "../paths.js";

type Given = Readonly<Record<string, unknown>>;

/** A value from its text, as the feature takes it. */
const parsed = (text: string, type: FeatureSpec["type"] | undefined): unknown => {
  if (type === "number") return Number.isFinite(Number(text)) ? Number(text) : text;
  if (type !== "vector" && type !== "sequence") return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

/** `--given digit=7`, several times for several features. */
function conditions(model: AnyModel, options: OptionValues): Given | undefined {
  const entries = (options.given as readonly (readonly [string, string])[] | undefined) ?? [];
  if (entries.length === 0) return undefined;
  const features = model.definition.data?.features ?? {};
  return Object.fromEntries(
    entries.map(([name, value]) => [name, parsed(value, features[name]?.type)]),
  );
}

/** Options of searches, as generate() takes them: only those that were given. */
function searchOptions(options: OptionValues): SequenceOptions<Given> {
  const names = [
    ...["prompt", "method", "beams", "candidates", "lengthPenalty", "temperature"],
    ...["topK", "topP", "maxLength"],
  ];
  const given = names.filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, options[name]]));
}

/** Many pictures say more than one; of a text, and of what is the same every time, one is enough. */
function defaultCount({ definition }: AnyModel, options: OptionValues): number {
  const sequence = definition.generate?.sequence;
  if (sequence === undefined) return 64;
  const method = text(options, "method") ?? sequence.search.method;
  return sequence.text === null && method === "sample" ? 64 : 1;
}

/** Where the picture goes unless it is said: into the run folder, or the current one. */
function pictureFile(weights: string, name: string): string {
  const pointer = ["best", "last"].includes(basename(weights));
  const folder = pointer ? dirname(weights) : weights;
  const isRun = statSync(join(folder, "run.json"), { throwIfNoEntry: false }) !== undefined;
  return isRun ? join(folder, "generated.png") : resolve(`${name}.png`);
}

export const run: Run = async ({ args, options, console }) => {
  const runs = text(options, "runs") ?? "";
  const trained = await findTrained(args[0] as string, runs, console.note);
  const weights = weightsOf(trained, text(options, "weights"));
  const model = await trained.package.load({ ...engineOptions(options), weights });
  try {
    const out = text(options, "out");
    const drawn = generatesImages(model) && !console.json;
    if (out !== undefined && (!drawn || extname(out).toLowerCase() !== ".png")) {
      throw new DlcError("unknown-picture", `${out} cannot be written`, {
        help: "--out names a .png file for models that generate images; without it other results are printed.",
        reason: "usage",
      });
    }
    const given = conditions(model, options);
    const examples = await model.generate({
      ...searchOptions(options),
      count: count(options, "count") ?? defaultCount(model, options),
      seed: count(options, "seed") ?? 0,
      ...(given === undefined ? {} : { given }),
    });
    if (drawn) {
      const file = out ?? pictureFile(weights, model.definition.name);
      await writeSheet(file, examples);
      console.result(shownPath(file));
      return "ok";
    }
    const isText = generatesText(model) && !console.json;
    for (const example of examples) {
      for (const line of isText ? textsOf(example) : [JSON.stringify(example, plain)]) {
        console.result(line);
      }
    }
    return "ok";
  } finally {
    await model.dispose();
  }
};

/** The text, or all candidates that were asked for. */
function textsOf(example: unknown): readonly string[] {
  const { text, candidates } = example as GeneratedText;
  return candidates === undefined ? [text] : candidates.map((candidate) => candidate.text);
}

/** Typed arrays as arrays. */
function plain(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
}
