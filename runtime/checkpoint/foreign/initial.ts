/** @file The weights that a new run starts from, loaded as the package's plan says. */
import { relative, resolve } from "node:path";
import { DlcError } from "../../errors.js";
import type { StateSpec } from "../../program.js";
import type { InitialTensor, InitialWeights, ModelDefinition } from "../../spec.js";
import { type HostTensor, sizeOf } from "../../tensor.js";
import type { SafetensorsHeader, TensorEntry } from "../safetensors-header.js";
import { arrange } from "./arrange.js";
import { isFloat, toFloat32 } from "./elements.js";
import {
  damaged,
  hashWeights,
  locateWeights,
  readingTensors,
  type WeightsFile,
} from "./weights-file.js";

/** Where a run may start: known by its hash, loaded only if the run is new. */
export interface StartingPoint {
  /** What messages call it. */
  readonly from: string;
  /** SHA-256 of the file: a run that is continued must have started from the same. */
  readonly sha256: string;
  /** The tensors that it gives; all others have their initial values. */
  load(): Promise<Readonly<Record<string, HostTensor>>>;
}

/**
 * Finds and hashes the file that a package's plan starts from; `base` is the folder of its spec, `run`
 * the folder of the run that is to start.
 * @throws DlcError `weights-not-found`, `damaged-weights`, `starts-from-itself`; `load`: also `weights-changed`
 */
export async function startingPoint(
  { state, initial }: Pick<ModelDefinition, "state"> & { readonly initial: InitialWeights },
  base: string,
  run: string,
): Promise<StartingPoint> {
  const file = await locateWeights(initial.from, base);
  if (!relative(resolve(run), file.path).startsWith("..")) {
    throw new DlcError("starts-from-itself", `the run would start from its own weights`, {
      place: initial.from,
      help: "Copy the weights elsewhere, or train into another run folder (--runs).",
    });
  }
  const sha256 = await hashWeights(file);
  if (file.sha256 !== null && file.sha256 !== sha256) {
    throw damaged(file.shown, "the file does not match the SHA-256 of its checkpoint");
  }
  return {
    from: initial.from,
    sha256,
    load: () => loadInitial(file, initial, state),
  };
}

async function loadInitial(
  file: WeightsFile,
  { tensors }: InitialWeights,
  state: Readonly<Record<string, StateSpec>>,
): Promise<Record<string, HostTensor>> {
  return readingTensors(file, async (header, read) => {
    const values: Record<string, HostTensor> = {};
    for (const [name, sources] of Object.entries(tensors)) {
      const shape = state[name]?.shape;
      if (shape === undefined) throw new Error(`the model has no ${name}`);
      const data = new Float32Array(sizeOf(shape));
      for (const source of sources) {
        const entry = entryOf(source, header, file);
        const numbers = { shape: source.shape, data: toFloat32(entry.code, await read(entry)) };
        const part = arrange(numbers, source.steps).data;
        if (part.length !== data.length) throw new Error(`${source.name} does not fit ${name}`);
        checkFinite(part, source.name, file);
        for (const [i, value] of part.entries()) data[i] = (data[i] ?? 0) + value;
      }
      values[name] = { dtype: "f32", shape, data };
    }
    return { ...values, ...averagesOf(values, state) };
  });
}

/** Moving averages start at the weights that they follow. */
function averagesOf(
  values: Readonly<Record<string, HostTensor>>,
  state: Readonly<Record<string, StateSpec>>,
): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(state).flatMap(([name, { init }]) => {
      const followed = init.kind === "copy" ? values[init.of ?? ""] : undefined;
      return followed === undefined ? [] : [[name, followed]];
    }),
  );
}

/** The tensor of the file, which must be as it was when the package was built. */
function entryOf(
  { name, shape }: InitialTensor,
  { entries }: SafetensorsHeader,
  { shown }: WeightsFile,
): TensorEntry {
  const entry = entries.find((one) => one.name === name);
  const wanted = `[${shape.join(", ")}]`;
  const found = entry && `[${entry.shape.join(", ")}]`;
  if (entry !== undefined && found === wanted && isFloat(entry.code)) return entry;
  const has =
    entry === undefined
      ? `it has no ${name}`
      : `${name} is ${entry.code} ${found}, not floating-point ${wanted}`;
  throw new DlcError(
    "weights-changed",
    `${shown} has changed since the package was built: ${has}`,
    {
      place: shown,
      help: "Build the package again, or put the file back that it was built with.",
    },
  );
}

function checkFinite(numbers: Float32Array, name: string, { shown }: WeightsFile): void {
  const wrong = numbers.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw damaged(shown, `${name} holds ${wrong}`);
}
