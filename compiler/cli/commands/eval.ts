/** @file `dlc eval`: how good a trained model is on held-out data. */
import type { SplitName } from "@dlc/runtime";
import { type Run, text } from "../command.js";
import { engineOptions, tellEngine } from "../engine-options.js";
import { evaluationText } from "../evaluation-text.js";
import { findTrained, weightsOf } from "../generated.js";

export const run: Run = async ({ args, options, console }) => {
  const runs = text(options, "runs") ?? "";
  const trained = await findTrained(args[0] as string, runs, console.note);
  const weights = weightsOf(trained, text(options, "weights"));
  const model = await trained.package.load({ ...engineOptions(options), weights });
  try {
    tellEngine(model, console);
    const split = text(options, "split") as SplitName | undefined;
    const result = await model.evaluate({ split });
    if (console.json) console.document({ engine: model.why, weights: model.weights, ...result });
    else console.result(evaluationText(result, true));
    return "ok";
  } finally {
    await model.dispose();
  }
};
