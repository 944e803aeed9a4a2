/** @file Runs what a tape lists, op by op, and lets go of every tensor after its last use. */
import type { Backend } from "./backend.js";
import { createKernels } from "./kernels/index.js";
import { type Body, constants, type Instruction, Ref } from "./tape.js";
import type { Value } from "./value.js";

/** The values of refs while a list runs. What is not found in a frame is looked for in the one around it. */
export class Frame {
  readonly #around: Frame | null;
  readonly #own = new Map<Ref, Value>();
  readonly #borrowed = new Map<Ref, Value>();

  constructor(around: Frame | null) {
    this.#around = around;
  }

  /** The value goes with the frame, if not before. */
  own(ref: Ref, value: Value): void {
    this.#own.set(ref, value);
  }

  /** The value belongs to someone else. */
  borrow(ref: Ref, value: Value): void {
    this.#borrowed.set(ref, value);
  }

  find(ref: Ref): Value | undefined {
    return this.#own.get(ref) ?? this.#borrowed.get(ref) ?? this.#around?.find(ref);
  }

  get(ref: Ref): Value {
    const value = this.find(ref);
    if (value === undefined) throw new Error(`tensor ${ref.id} is not there`);
    return value;
  }

  free(ref: Ref): void {
    this.#own.get(ref)?.dispose();
    this.#own.delete(ref);
  }

  dispose(): void {
    for (const value of this.#own.values()) value.dispose();
    this.#own.clear();
    this.#borrowed.clear();
  }
}

/** A failure of a library, with the layer whose op it happened in. */
export class OpFailure extends Error {
  readonly instruction: Instruction;
  constructor(instruction: Instruction, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.instruction = instruction;
  }
}

export interface Interpreter {
  /**
   * Runs a list. Results are put into the frame, constants into `fixed`, where they stay from run to run.
   * Without `sparing` results that are no longer needed stay until the frame is disposed of.
   */
  run(
    instructions: readonly Instruction[],
    frame: Frame,
    fixed: Frame,
    options?: { readonly sparing: boolean },
  ): void;
}

export function createInterpreter(b: Backend): Interpreter {
  const { tf } = b;
  const kernels = createKernels(b) as unknown as Readonly<
    Record<string, (...args: readonly unknown[]) => Value | readonly Value[]>
  >;

  /** An op's arguments with values for refs. */
  function bound(args: readonly unknown[], frame: Frame): readonly unknown[] {
    const value = (entry: unknown): unknown => (entry instanceof Ref ? frame.get(entry) : entry);
    return args.map((arg) => {
      if (arg instanceof Ref) return frame.get(arg);
      if (Array.isArray(arg)) return arg.map(value);
      return Object.fromEntries(
        Object.entries(Object(arg)).map(([name, one]) => [name, value(one)]),
      );
    });
  }

  function compute({ kind, args, results }: Instruction, frame: Frame, into: Frame): void {
    const kernel = kernels[kind];
    if (kernel === undefined) throw new Error(`there is no op '${kind}'`);
    tf.tidy(() => {
      const result = kernel(...bound(args, frame));
      const values = Array.isArray(result) ? (result as readonly Value[]) : [result as Value];
      results.forEach((ref, i) => {
        into.own(ref, (values[i] as Value).adopt());
      });
    });
  }

  /** The body once: its results as values of their own. */
  function step(body: Body, given: readonly Value[], frame: Frame, fixed: Frame): readonly Value[] {
    const inner = new Frame(frame);
    try {
      body.parameters.forEach((ref, i) => {
        inner.borrow(ref, given[i] as Value);
      });
      run(body.instructions, inner, fixed);
      return body.results.map((ref) => inner.get(ref).adopt());
    } finally {
      inner.dispose();
    }
  }

  function loop(instruction: Instruction, body: Body, frame: Frame, fixed: Frame): void {
    const [xs, options] = bound(instruction.args, frame) as [
      readonly Value[],
      { readonly carries: number; readonly sequences: number; readonly reverse: boolean },
    ];
    const { carries, sequences, reverse } = options;
    const stacked = xs.slice(carries, carries + sequences);
    const further = xs.slice(carries + sequences);
    const length = stacked[0]?.shape[0] ?? 0;
    const outputs: (readonly Value[])[] = new Array(length).fill([]);
    let carried: readonly Value[] = [];
    let done = false;
    try {
      carried = xs.slice(0, carries).map((x) => x.adopt());
      for (let count = 0; count < length; count++) {
        const time = reverse ? length - 1 - count : count;
        const slices = stacked.map((x) => slice(x, time));
        const results = step(body, [...carried, ...slices, ...further], frame, fixed);
        for (const value of [...slices, ...carried]) value.dispose();
        carried = results.slice(0, carries);
        outputs[time] = results.slice(carries);
      }
      tf.tidy(() => {
        instruction.results.slice(carries).forEach((ref, i) => {
          const parts = outputs.map((values) => values[i] as Value);
          const { dtype } = parts[0] as Value;
          const whole = tf.stack(parts.map((part) => part.plain()));
          frame.own(ref, b.plain(dtype, whole).adopt());
        });
      });
      instruction.results.slice(0, carries).forEach((ref, i) => {
        frame.own(ref, carried[i] as Value);
      });
      done = true;
    } finally {
      for (const value of outputs.flat()) value.dispose();
      if (!done) for (const value of carried) value.dispose();
    }
  }

  /** One step of a sequence, without the axis of time. */
  function slice(x: Value, time: number): Value {
    const { shape } = x;
    const size = [1, ...shape.slice(1)];
    const start = shape.map((_, axis) => (axis === 0 ? time : 0));
    let result: Value | null = null;
    tf.tidy(() => {
      const part = tf.reshape(tf.slice(x.plain(), start, size), shape.slice(1));
      result = b.plain(x.dtype, part).adopt();
    });
    return result as unknown as Value;
  }

  function run(
    instructions: readonly Instruction[],
    frame: Frame,
    fixed: Frame,
    { sparing }: { readonly sparing: boolean } = { sparing: true },
  ): void {
    for (const instruction of instructions) {
      try {
        const { kind, body, results, frees } = instruction;
        if (body !== null) loop(instruction, body, frame, fixed);
        else if (!constants.has(kind)) compute(instruction, frame, frame);
        else if (fixed.find(results[0] as Ref) === undefined) compute(instruction, frame, fixed);
        if (sparing) for (const ref of frees) frame.free(ref);
      } catch (error) {
        throw error instanceof OpFailure ? error : new OpFailure(instruction, error);
      }
    }
  }

  return { run };
}
