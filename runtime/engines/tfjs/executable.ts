/** @file A program that was written down for a batch size, ready to run. */
import type { DeviceState, Executable } from "../../engine.js";
import type { Program, Scalars } from "../../program.js";
import { type HostTensor, scalar } from "../../tensor.js";
import { checkTensor } from "../check-tensor.js";
import type { Backend } from "./backend.js";
import { createInterpreter, Frame, OpFailure } from "./interpreter.js";
import type { TfjsState } from "./state.js";
import { concrete, constants, type Ref, type Tape, writeTape } from "./tape.js";
import { Value } from "./value.js";

interface Call {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly scalars: Partial<Scalars>;
  readonly state: DeviceState;
}

export interface ExecutableOptions {
  /** The state that belongs to this engine, or an error. */
  readonly own: (state: DeviceState) => TfjsState;
  /** Computes with this engine's backend, whichever is in use otherwise. */
  readonly within: <R>(work: () => R) => R;
}

function located(error: unknown, program: Program): Error {
  if (!(error instanceof OpFailure))
    return error instanceof Error ? error : new Error(String(error));
  const { kind, scope } = error.instruction;
  const message = `program ${program.name} failed in ${kind} of layer '${scope}': ${error.message}`;
  return new Error(message, { cause: error.cause });
}

export function createExecutable(
  b: Backend,
  program: Program,
  batch: number,
  { own, within }: ExecutableOptions,
): Executable {
  const interpreter = createInterpreter(b);
  /** Constants, from the first run to the last. */
  const fixed = new Frame(null);
  let written: Tape | null = null;

  function feeds(frame: Frame, tape: Tape, call: Call, state: TfjsState): void {
    for (const [name, spec] of Object.entries(program.inputs)) {
      const value = call.inputs[name];
      if (value === undefined) throw new Error(`program ${program.name} needs the input '${name}'`);
      checkTensor(`input '${name}' of program ${program.name}`, value, concrete(spec, batch));
      frame.own(tape.inputs[name] as Ref, Value.fed(b.tf, value));
    }
    for (const [name, dtype] of Object.entries(program.scalars)) {
      const value = call.scalars[name as keyof Scalars];
      if (value === undefined)
        throw new Error(`program ${program.name} needs the scalar '${name}'`);
      frame.own(tape.scalars[name] as Ref, Value.fed(b.tf, scalar(dtype, value)));
    }
    for (const [name, ref] of Object.entries(tape.reads)) frame.borrow(ref, state.current(name));
  }

  /** Computes all results; they are in the frame, which the caller disposes of. */
  function compute(tape: Tape, call: Call, state: TfjsState, sparing: boolean): Frame {
    const frame = new Frame(fixed);
    try {
      feeds(frame, tape, call, state);
      interpreter.run(tape.instructions, frame, fixed, { sparing });
      return frame;
    } catch (error) {
      frame.dispose();
      throw located(error, program);
    }
  }

  const read = (refs: readonly Ref[], frame: Frame): Promise<readonly HostTensor[]> =>
    Promise.all(within(() => refs.map((ref) => frame.get(ref).read())));

  return {
    batch,

    run(call) {
      const state = own(call.state);
      return state.exclusively(async () => {
        written ??= writeTape(program, batch);
        const tape = written;
        const frame = within(() => compute(tape, call, state, true));
        try {
          const tensors = await read(Object.values(tape.outputs), frame);
          const outputs = Object.fromEntries(
            Object.keys(tape.outputs).map((name, i) => [name, tensors[i] as HostTensor]),
          );
          if (call.commit?.(outputs) ?? true) {
            const next = Object.entries(tape.updates).map(
              ([name, ref]) => [name, frame.get(ref).adopt()] as const,
            );
            state.replace(new Map(next));
          }
          return outputs;
        } finally {
          frame.dispose();
        }
      });
    },

    trace(call) {
      const state = own(call.state);
      return state.exclusively(async () => {
        const tape = writeTape(program, batch);
        const computed = tape.instructions
          .filter(({ kind }) => !constants.has(kind))
          .flatMap(({ kind, scope, results }) => results.map((ref) => ({ kind, scope, ref })));
        const frame = within(() => compute(tape, call, state, false));
        try {
          const tensors = await read(
            computed.map(({ ref }) => ref),
            frame,
          );
          return computed.map(({ kind, scope }, i) => ({
            scope,
            op: kind,
            value: tensors[i] as HostTensor,
          }));
        } finally {
          frame.dispose();
        }
      });
    },

    dispose() {
      fixed.dispose();
    },
  };
}
