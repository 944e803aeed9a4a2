/** @file `dlc generate`: new examples from a trained generator: pictures, texts, or anything as JSON. */
import { statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import {
  DataError,
  type FeatureSpec,
  type GeneratedText,
  type SequenceOptions,
} from "@dlc/runtime";
import { DlcError } from "@dlc/runtime/errors";
import { count, type OptionValues, type Run, text } from "../command.js";
import { engineOptions, tellEngine } from "../engine-options.js";
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

const usage = (message: string, help: string): DlcError =>
  new DlcError("bad-command-line", message, { help, reason: "usage" });

/** `--given digit=7`, for several features; several values of a feature are an example each. */
function conditions(model: AnyModel, options: OptionValues): Given | readonly Given[] | undefined {
  const entries = (options.given as readonly (readonly [string, string])[] | undefined) ?? [];
  if (entries.length === 0) return undefined;
  const features = model.definition.data?.features ?? {};
  const values = new Map<string, unknown[]>();
  for (const [name, value] of entries) {
    const own = values.get(name) ?? [];
    values.set(name, own);
    own.push(parsed(value, features[name]?.type));
  }
  const rows = Math.max(...Array.from(values.values(), ({ length }) => length));
  for (const [name, { length }] of values) {
    if (length === 1 || length === rows) continue;
    throw usage(
      `--given has ${length} values of '${name}', but ${rows} of another feature`,
      "Give each feature one value for all examples, or as many as there are examples.",
    );
  }
  const list = Array.from({ length: rows }, (_, i) =>
    Object.fromEntries(Array.from(values, ([name, own]) => [name, own[own.length === 1 ? 0 : i]])),
  );
  return rows === 1 ? list[0] : list;
}

/** Options of searches, as generate() takes them: only those that were given. */
function searchOptions(options: OptionValues): SequenceOptions<Given> {
  const names = ["method", "beams", "candidates", "lengthPenalty", "temperature"];
  const given = [...names, "topK", "topP", "maxLength"].filter(
    (name) => options[name] !== undefined,
  );
  return Object.fromEntries(given.map((name) => [name, options[name]]));
}

/** One prompt is for all examples, several are for one each. */
function prompts(options: OptionValues): Pick<SequenceOptions<Given>, "prompt"> {
  const all = (options.prompt as readonly string[] | undefined) ?? [];
  if (all.length === 0) return {};
  return { prompt: all.length === 1 ? all[0] : all };
}

/** So many examples as lists have items; lists of different lengths are no answer to how many. */
function listed(...lists: readonly unknown[]): number | null {
  const lengths = lists.filter(Array.isArray).map(({ length }) => length);
  const [first = null] = lengths;
  if (lengths.every((length) => length === first)) return first;
  throw usage(
    `--given lists ${lengths[0]} examples, but there are ${lengths[1]} prompts`,
    "Give one prompt for all, or one for each.",
  );
}

/** Settings as the command line writes them. */
const spelt: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...["count", "seed", "given", "prompt", "method", "temperature", "beams", "candidates"],
    ...["topK", "topP", "lengthPenalty", "maxLength"],
  ].map((name) => [name, `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`]),
);

/** What is wrong with an option's value, besides what data errors tell of those of --given. */
const valueCodes: ReadonlySet<string> = new Set([
  ...["invalid-setting", "empty-prompt", "prompt-too-long", "unknown-in-prompt"],
]);

/** What generate() says of its options, said of those of the command line: exit code 2. */
function ofCommandLine(error: unknown): unknown {
  if (!(error instanceof DataError) && !(error instanceof DlcError && valueCodes.has(error.code))) {
    return error;
  }
  const { code, message, place, help } = error;
  const inWords = (text: string): string =>
    text
      .replace(/\bmethod "(\w+)"/g, "--method $1")
      .replace(/^\w+(?= (is|has) )|\b[a-z]+[A-Z]\w*/g, (word) => spelt[word] ?? word);
  return new DlcError(code, inWords(message), {
    ...(place === null ? {} : { place: spelt[place] ?? place }),
    ...(help === null ? {} : { help: inWords(help) }),
    reason: "usage",
    cause: error,
  });
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
    tellEngine(model, console);
    const out = text(options, "out");
    const drawn = generatesImages(model) && !console.json;
    if (out !== undefined && (!drawn || extname(out).toLowerCase() !== ".png")) {
      throw new DlcError("unknown-picture", `${out} cannot be written`, {
        help: "--out names a .png file for models that generate images; without it other results are printed.",
        reason: "usage",
      });
    }
    const given = conditions(model, options);
    const { prompt } = prompts(options);
    const many = listed(given, prompt) ?? defaultCount(model, options);
    const wanted = {
      ...searchOptions(options),
      count: count(options, "count") ?? many,
      seed: count(options, "seed") ?? 0,
      ...(given === undefined ? {} : { given }),
      ...(prompt === undefined ? {} : { prompt }),
    };
    const examples = await model.generate(wanted).catch((error: unknown) => {
      throw ofCommandLine(error);
    });
    if (drawn) {
      const file = out ?? pictureFile(weights, model.definition.name);
      await writeSheet(file, examples);
      console.result(shownPath(file));
      return "ok";
    }
    const isText = generatesText(model) && !console.json;
    const texts = isText
      ? lines(examples.flatMap(textsOf))
      : examples.map((example) => JSON.stringify(example, plain));
    for (const line of texts) console.result(line);
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

/** A line for each of several texts: where one has line breaks, all are JSON strings. */
function lines(texts: readonly string[]): readonly string[] {
  const isPlain = texts.length === 1 || !texts.some((text) => /[\n\r\u2028\u2029]/.test(text));
  return isPlain ? texts : texts.map((text) => JSON.stringify(text));
}

/** Typed arrays as arrays. */
function plain(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
}
