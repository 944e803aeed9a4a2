/**
 * @file A program as a list of what it calls, written down once per batch size. Running the list instead
 * of the program lets every tensor go after its last use: TensorFlow.js frees nothing by itself.
 */
import type { OpKind, Ops } from "../../ops.js";
import type { Program } from "../../program.js";
import type { DType } from "../../tensor.js";

/** A tensor while a program is written down: nothing is known of it but where it comes from. */
export class Ref {
  readonly id: number;
  constructor(id: number) {
    this.id = id;
  }
}

export interface Instruction {
  readonly kind: OpKind;
  readonly scope: string;
  /** As the op was called, with refs for tensors. */
  readonly args: readonly unknown[];
  readonly results: readonly Ref[];
  /** What a loop does in each step. */
  readonly body: Body | null;
  /** Tensors that nothing reads after this. */
  readonly frees: readonly Ref[];
}

export interface Body {
  readonly parameters: readonly Ref[];
  readonly instructions: readonly Instruction[];
  readonly results: readonly Ref[];
}

export interface Tape {
  readonly instructions: readonly Instruction[];
  readonly inputs: Readonly<Record<string, Ref>>;
  readonly scalars: Readonly<Record<string, Ref>>;
  readonly reads: Readonly<Record<string, Ref>>;
  readonly outputs: Readonly<Record<string, Ref>>;
  readonly updates: Readonly<Record<string, Ref>>;
}

/** Ops that give several results. A loop gives as many as its body. */
const resultCounts: Partial<Record<OpKind, number>> = {
  batchNormTrain: 3,
  batchNormTrainGrad: 3,
  applyMomentum: 2,
  applyAdam: 3,
  applyRmsprop: 3,
  applyAdagrad: 2,
  applyLion: 2,
};

/** Ops that the host computes once, for all runs. */
export const constants: ReadonlySet<OpKind> = new Set<OpKind>(["constant", "size"]);

type Written = Omit<Instruction, "frees">;

/** The refs among an op's arguments: alone, in a list, or in the options. */
export function refsOf(args: readonly unknown[]): readonly Ref[] {
  return args.flatMap((arg) => {
    if (arg instanceof Ref) return [arg];
    if (Array.isArray(arg)) return arg.filter((entry) => entry instanceof Ref);
    return Object.values(Object(arg)).filter((entry) => entry instanceof Ref);
  });
}

/** What an instruction reads, with what its body reads from outside. */
function readBy({ args, body }: Written): readonly Ref[] {
  if (body === null) return refsOf(args);
  const inner = body.instructions.flatMap(readBy);
  return [...refsOf(args), ...inner, ...body.results];
}

/** Adds to each instruction what may go after it: results of this list whose last use it is. */
function withFrees(written: readonly Written[], kept: ReadonlySet<Ref>): readonly Instruction[] {
  const last = new Map<Ref, number>();
  const made = new Set<Ref>();
  written.forEach((instruction, i) => {
    for (const ref of instruction.results) {
      if (constants.has(instruction.kind)) continue;
      made.add(ref);
      last.set(ref, i);
    }
    for (const ref of readBy(instruction)) if (made.has(ref)) last.set(ref, i);
  });
  const frees = written.map((): Ref[] => []);
  for (const [ref, i] of last) if (!kept.has(ref)) frees[i]?.push(ref);
  return written.map((instruction, i) => ({ ...instruction, frees: frees[i] as Ref[] }));
}

/** The op contract over refs: calling it writes down. */
function createWriter(fresh: () => Ref): {
  readonly ops: Ops<Ref>;
  readonly inner: (work: () => readonly Ref[]) => readonly [readonly Instruction[], readonly Ref[]];
} {
  let scope = "";
  let written: Written[] = [];

  /** What `work` calls, as a list of its own. */
  function inner(work: () => readonly Ref[]): readonly [readonly Instruction[], readonly Ref[]] {
    const outer = written;
    const mine: Written[] = [];
    written = mine;
    try {
      const results = work();
      return [withFrees(mine, new Set(results)), results];
    } finally {
      written = outer;
    }
  }

  function write(kind: OpKind, args: readonly unknown[]): Ref | readonly Ref[] {
    const body = kind === "scan" ? bodyOf(args as Parameters<Ops<Ref>["scan"]>) : null;
    const count = body?.results.length ?? resultCounts[kind] ?? 1;
    const results = Array.from({ length: count }, fresh);
    written.push({ kind, scope, args, results, body });
    return kind === "scan" || kind in resultCounts ? results : (results[0] as Ref);
  }

  function bodyOf([xs, { body }]: Parameters<Ops<Ref>["scan"]>): Body {
    const parameters = xs.map(fresh);
    const [instructions, results] = inner(() => body(...parameters));
    return { parameters, instructions, results };
  }

  const ops = new Proxy({} as Ops<Ref>, {
    get: (_, kind) =>
      kind === "scope"
        ? (label: string) => {
            scope = label;
          }
        : (...args: unknown[]) => write(kind as OpKind, args),
  });
  return { ops, inner };
}

/** Writes a program down for a batch size. */
export function writeTape(program: Program, batch: number): Tape {
  let count = 0;
  const fresh = (): Ref => new Ref(count++);
  const named = (names: readonly string[]): Record<string, Ref> =>
    Object.fromEntries(names.map((name) => [name, fresh()]));
  const { ops, inner } = createWriter(fresh);
  const inputs = named(Object.keys(program.inputs));
  const scalars = named(Object.keys(program.scalars));
  const reads = named(program.reads);

  const wanted = (what: string, names: readonly string[], given: Readonly<Record<string, Ref>>) =>
    Object.fromEntries(
      names.map((name) => {
        const ref = given[name];
        if (ref === undefined)
          throw new Error(`program ${program.name} lacks its ${what} '${name}'`);
        return [name, ref];
      }),
    );
  let outputs: Record<string, Ref> = {};
  let updates: Record<string, Ref> = {};
  const [instructions] = inner(() => {
    const results = program.run(ops, { inputs, scalars, state: reads, n: batch });
    outputs = wanted("output", Object.keys(program.outputs), results.outputs);
    updates = wanted("state", program.updates, results.state);
    return [...Object.values(outputs), ...Object.values(updates)];
  });
  return { instructions, inputs, scalars, reads, outputs, updates };
}

/** What the shape of an input or output is for a batch size. */
export const concrete = (
  { dtype, shape }: { readonly dtype: DType; readonly shape: readonly (number | "n")[] },
  batch: number,
): { readonly dtype: DType; readonly shape: readonly number[] } => ({
  dtype,
  shape: shape.map((dim) => (dim === "n" ? batch : dim)),
});
