/** @file `dlc predict`: a trained model applied to files or to JSON from stdin. */
import { DlcError } from "@dlc/runtime/errors";
import { type Run, text } from "../command.js";
import type { Console } from "../console.js";
import { engineOptions, tellEngine } from "../engine-options.js";
import { type AnyModel, findTrained, weightsOf } from "../generated.js";
import { examplesOf, type Placed, requireReadable } from "../predict-input.js";

/** Examples predicted at a time. */
const chunk = 256;

async function predictChunk(
  model: AnyModel,
  placed: readonly Placed[],
  { result }: Console,
): Promise<void> {
  const outputs = await model.predict(placed.map(({ example }) => example));
  for (const output of outputs) result(JSON.stringify(output, plain));
}

/** Predicts a portion; if it holds a mistake, all before it and then says where it stands. */
async function predict(
  model: AnyModel,
  placed: readonly Placed[],
  console: Console,
): Promise<void> {
  for (let start = 0; start < placed.length; start += chunk) {
    const part = placed.slice(start, start + chunk);
    try {
      await predictChunk(model, part, console);
    } catch (error) {
      if (!(error instanceof DlcError)) throw error;
      for (const one of part) await predictOne(model, one, console);
    }
  }
}

async function predictOne(model: AnyModel, placed: Placed, console: Console): Promise<void> {
  try {
    await predictChunk(model, [placed], console);
  } catch (error) {
    if (!(error instanceof DlcError)) throw error;
    const { code, message, help, reason } = error;
    const text = message.includes(placed.place) ? message : `${placed.place}: ${message}`;
    throw new DlcError(code, text, {
      place: placed.place,
      reason,
      cause: error,
      ...(help === null ? {} : { help }),
    });
  }
}

/** Typed arrays as arrays. */
function plain(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
}

export const run: Run = async ({ args, options, console }) => {
  const given = (args[1] as readonly string[] | undefined) ?? [];
  const inputs = given.length === 0 ? ["-"] : given;
  requireReadable(inputs);
  const runs = text(options, "runs") ?? "";
  const trained = await findTrained(args[0] as string, runs, console.note);
  const weights = weightsOf(trained, text(options, "weights"));
  const model = await trained.package.load({ ...engineOptions(options), weights });
  try {
    tellEngine(model, console);
    if (inputs.includes("-") && process.stdin.isTTY) {
      console.note("Reading JSON from the terminal, an object per line; end with Ctrl-D.");
    }
    for (const input of inputs) {
      let found = 0;
      for await (const placed of examplesOf(model.definition, input)) {
        found += placed.length;
        await predict(model, placed, console);
      }
      if (found === 0) console.note(`${input === "-" ? "stdin" : input} has no examples`);
    }
    return "ok";
  } finally {
    await model.dispose();
  }
};
