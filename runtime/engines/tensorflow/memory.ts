/** @file The tensors of recorded programs with their lifetimes, op by op. */
import { bytesPerElement, type ElementType, sizeOf } from "../../tensor.js";
import type { PlannedTensor } from "../memory-plan.js";
import type { Handle } from "./graph.js";
import type { Recording, StateTypes } from "./record.js";

interface Typed {
  readonly dtype: string;
  readonly shape: readonly number[];
}

const bytesOf = ({ dtype, shape }: Typed): number =>
  sizeOf(shape) * bytesPerElement[dtype as ElementType];

const isHandle = (value: object): value is Handle => "ref" in value && "dtype" in value;

/** The tensors among an op's arguments, in lists and options as well. */
function handlesIn(value: unknown): readonly Handle[] {
  if (typeof value !== "object" || value === null) return [];
  return isHandle(value) ? [value] : Object.values(value).flatMap(handlesIn);
}

/** Inputs and state live as long as the run; reshapes are other views of the same memory; a loop is one op. */
export function plannedTensors(
  { calls, inputs, outputs }: Recording,
  state: StateTypes,
): readonly PlannedTensor[] {
  const owners = new Map<string, string>();
  const owner = (ref: string): string => owners.get(ref) ?? ref;
  const lastUse = new Map<string, number>();
  const made: {
    readonly handle: Handle;
    readonly at: number;
    readonly name: string;
    readonly layer: string;
  }[] = [];
  const known = new Set<string>();
  calls.forEach(({ scope, op, args, results }, at) => {
    const read = handlesIn(args);
    for (const { ref } of read) {
      known.add(ref);
      lastUse.set(owner(ref), at);
    }
    for (const handle of results) {
      // Some ops hand on what they were given, and equal ones are made once.
      if (known.has(handle.ref)) continue;
      known.add(handle.ref);
      if (op === "reshape" && read[0] !== undefined) owners.set(handle.ref, owner(read[0].ref));
      else if (op !== "constant") {
        made.push({ handle, at, name: `[${handle.shape.join()}] of ${op}`, layer: scope });
      }
    }
  });
  const given = [
    ...inputs.map((port) => ({ ...port, what: "the input" })),
    ...Object.entries(state).map(([name, type]) => ({ ...type, name, what: "the state" })),
  ];
  const results = new Set(outputs.map(({ source }) => owner(source)));
  return [
    ...given.map((tensor) => ({
      name: `${tensor.what} ${tensor.name} [${tensor.shape.join()}]`,
      layer: "",
      bytes: bytesOf(tensor),
      firstUse: 0,
      lastUse: calls.length,
    })),
    ...made.map(({ handle, at, name, layer }) => ({
      name,
      layer,
      bytes: bytesOf(handle),
      firstUse: at,
      lastUse: results.has(handle.ref) ? calls.length : (lastUse.get(handle.ref) ?? at),
    })),
  ];
}
