/**
 * @file Blame for a loss that is not a number: the first thing that went wrong is what the user needs,
 * in the order data, weights, computation.
 */
import type { DeviceState, Executable } from "../engine.js";
import { DlcError } from "../errors.js";
import type { Program, Scalars, StateSpec } from "../program.js";
import type { HostTensor } from "../tensor.js";
import type { Batch } from "./source.js";

export interface FailedStep {
  readonly program: Program;
  readonly executable: Executable;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly scalars: Partial<Scalars>;
  readonly state: DeviceState;
  readonly specs: Readonly<Record<string, StateSpec>>;
  /** What has a value that is not finite: "the loss". */
  readonly what: string;
  /** Where: "in step 12 (epoch 1, batch 11)". */
  readonly when: string;
  readonly batch: Batch;
  readonly learningRate: number;
}

/** The error to throw for a step whose loss is not finite. Its state was not committed. */
export async function explainNonFinite(failed: FailedStep): Promise<DlcError> {
  return blameInputs(failed) ?? (await blameState(failed)) ?? (await blameComputation(failed));
}

function stopped(
  code: string,
  failed: FailedStep,
  cause: string,
  details: { readonly place: string; readonly help: string },
): DlcError {
  return new DlcError(code, `${failed.what} is not finite ${failed.when}: ${cause}`, {
    ...details,
    reason: "stopped",
  });
}

function blameInputs(failed: FailedStep): DlcError | null {
  for (const [name, tensor] of Object.entries(failed.inputs)) {
    const at = firstNonFinite(tensor);
    if (at === null) continue;
    const { rows } = failed.batch;
    const example = Math.floor(at / (tensor.data.length / rows.length));
    const place = `row ${Number(rows[example]) + 1}`;
    return stopped("non-finite-input", failed, `${name} of ${place} is ${tensor.data[at]}`, {
      place: `${name}, ${place}`,
      help: "Correct or remove the row, or replace missing values before training.",
    });
  }
  return null;
}

async function blameState(failed: FailedStep): Promise<DlcError | null> {
  const values = await failed.state.read(failed.program.reads);
  for (const name of failed.program.reads) {
    // Sums that overflowed are what the program at hand judges, not what it suffers from.
    if (failed.specs[name]?.role === "accumulator") continue;
    const tensor = values[name];
    const at = tensor === undefined ? null : firstNonFinite(tensor);
    if (tensor === undefined || at === null) continue;
    const layer = failed.specs[name]?.layer ?? name;
    return stopped(
      "non-finite-loss",
      failed,
      `${tensorTitle(name, failed.specs[name])} of layer ${layer} already is ${tensor.data[at]} since an update before`,
      { place: layer, help: remedy(failed) },
    );
  }
  return null;
}

async function blameComputation(failed: FailedStep): Promise<DlcError> {
  const { executable, inputs, scalars, state } = failed;
  for (const { scope, op, value } of await executable.trace({ inputs, scalars, state })) {
    const at = firstNonFinite(value);
    // Constants may be infinite on purpose (masks).
    if (at === null || op === "constant") continue;
    return stopped(
      "non-finite-loss",
      failed,
      `the first such value is ${value.data[at]} in the result of ${op} [${value.shape.join(", ")}] in layer ${scope}`,
      { place: scope, help: remedy(failed) },
    );
  }
  return stopped("non-finite-loss", failed, "its cause could not be traced", {
    place: failed.program.name,
    help: remedy(failed),
  });
}

const memories: Partial<Record<StateSpec["role"], string>> = {
  slot: "optimiser's memory",
  average: "moving average",
  accumulator: "sum of gradients",
};

/** What a tensor of the state is: a weight's name, or "the optimiser's memory of kernel (kernel:s)". */
export function tensorTitle(name: string, spec: StateSpec | undefined): string {
  const memory = spec && memories[spec.role];
  return memory === undefined ? name : `the ${memory} of ${name.split(":")[0]} (${name})`;
}

function remedy({ learningRate, program }: FailedStep): string {
  const isHalf = program.reads.some((name) => /^train:.*loss_scale$/.test(name));
  const range = isHalf
    ? " With train.precision: mixed_float16 numbers beyond 65504 are infinite; mixed_bfloat16 has the range of float32."
    : "";
  return `Lower train.learning_rate (now ${Number(learningRate.toPrecision(3))}), clip gradients or scale the features.${range} The last checkpoint is intact; the same command continues from it.`;
}

/** Index of the first NaN or infinite element; null if there is none. */
export function firstNonFinite(tensor: HostTensor): number | null {
  if (tensor.dtype !== "f32") return null;
  const { data } = tensor;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return null;
}
