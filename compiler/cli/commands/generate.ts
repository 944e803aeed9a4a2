/** @file `dlc generate`: new examples from a trained generator. */
import { statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { DlcError } from "@dlc/runtime/errors";
import { count, type OptionValues, type Run, text } from "../command.js";
import { engineOptions } from "../engine-options.js";
import { type AnyModel, findTrained, weightsOf } from "../generated.js";
import { generatesImages, writeSheet } from "../generated-output.js";
import { shownPath } from "../paths.js";

type Given = Readonly<Record<string, unknown>>;

/** `--given digit=7`, several times for several features; numbers where the feature is one. */
function conditions(model: AnyModel, options: OptionValues): Given | undefined {
  const entries = (options.given as readonly (readonly [string, string])[] | undefined) ?? [];
  if (entries.length === 0) return undefined;
  const features = model.definition.data?.features ?? {};
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const isNumber = features[name]?.type === "number" && Number.isFinite(Number(value));
      return [name, isNumber ? Number(value) : value];
    }),
  );
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
        help: "--out names a .png file for models that generate images; without it other results are printed as JSON.",
        reason: "usage",
      });
    }
    const given = conditions(model, options);
    const examples = await model.generate({
      count: count(options, "count") ?? 64,
      seed: count(options, "seed") ?? 0,
      ...(given === undefined ? {} : { given }),
    });
    if (drawn) {
      const file = out ?? pictureFile(weights, model.definition.name);
      await writeSheet(file, examples);
      console.result(shownPath(file));
      return "ok";
    }
    for (const example of examples) console.result(JSON.stringify(example, plain));
    return "ok";
  } finally {
    await model.dispose();
  }
};

/** Typed arrays as arrays. */
function plain(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
}
