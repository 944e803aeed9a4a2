/** @file Options of the model's methods by name: one that nothing reads is a mistake, not a wish that is ignored. */
import { DlcError } from "../errors.js";
import type { TrainSpec } from "../spec.js";
import { didYouMean } from "../suggest.js";
import type {
  ModelEvaluateOptions,
  ModelOptions,
  ModelTrainOptions,
  SequenceOptions,
} from "./types.js";

interface Methods {
  readonly load: ModelOptions;
  readonly train: ModelTrainOptions<object>;
  readonly evaluate: ModelEvaluateOptions<object>;
  readonly generate: SequenceOptions<object>;
}

const names: { readonly [M in keyof Methods]: Readonly<Record<keyof Methods[M], true>> } = {
  load: { weights: true, engine: true, device: true, threads: true, base: true },
  train: {
    ...{ run: true, fresh: true, settings: true, data: true },
    ...{ signal: true, timeLimit: true, onEvent: true },
  },
  evaluate: { split: true, data: true },
  generate: {
    ...{ count: true, seed: true, given: true, prompt: true, method: true, beams: true },
    ...{ candidates: true, lengthPenalty: true, temperature: true, topK: true, topP: true },
    maxLength: true,
  },
};

/** @throws DlcError `unknown-option` for the first name that the method does not know. */
export function requireKnown(
  method: keyof Methods,
  options: unknown,
  train: TrainSpec | null = null,
): void {
  if (typeof options !== "object" || options === null) {
    throw unknown(method, `the options of ${method}() are an object`, "Pass { name: value, … }.");
  }
  const known = Object.keys(names[method]);
  refuse(method, `${method}() has no option`, options, known, (name) =>
    method === "train" && train !== null && Object.hasOwn(train, name)
      ? ` Settings of the spec are written settings: { ${name} }.`
      : "",
  );
  const { settings } = options as ModelTrainOptions<object>;
  if (method !== "train" || train === null || settings === undefined) return;
  refuse("settings", "the settings of train() have no", settings, Object.keys(train), () => "");
}

function refuse(
  place: string,
  problem: string,
  given: object,
  known: readonly string[],
  hint: (name: string) => string,
): void {
  const name = Object.keys(given).find((one) => !known.includes(one));
  if (name === undefined) return;
  const own = hint(name);
  const help = own === "" ? didYouMean(name, known) : own;
  throw unknown(place, `${problem} '${name}'`, `${help} There are: ${known.join(", ")}.`.trim());
}

const unknown = (place: string, message: string, help: string): DlcError =>
  new DlcError("unknown-option", message, { place, help });
