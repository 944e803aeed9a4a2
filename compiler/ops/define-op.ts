/**
 * @file The shape of an op file: everything there is to know about one op, in one place.
 *
 * An op's signature and semantics are documented in the contract (`runtime/ops.ts`); its file in
 * this folder adds the shape rule, the gradient, the expansion into simpler ops, the meaning in
 * float64 and samples. The registry tests derive some six tests per op from that.
 */
import type { DType, ElementType, OpKind, Ops } from "@dlc/runtime";
import type { GraphBuilder } from "../ir/builder.js";
import type { Attributes, Dim, Graph, Parameter, TensorType, Value } from "../ir/types.js";

/** The builder, as op files see it: the contract over graph values. */
export type Builder = Ops<Value, Dim>;

/** A tensor of the float64 reference. `data` is row-major; bool is 0/1, halves are numbers of their type. */
export interface ReferenceTensor {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Thrown by `infer`: lowering turns it into a located shape diagnostic. */
export class Rejection extends Error {
  override readonly name = "Rejection";
  /** Which input is at fault, if one is. */
  readonly input: number | null;
  constructor(message: string, input: number | null = null) {
    super(message);
    this.input = input;
  }
}

/**
 * A list that destructures without `undefined`: op files take as many entries as their op has
 * inputs, which the builder has checked before it calls them.
 */
export type Inputs<T> = readonly [T, T, T, T, T, T, T, T, ...T[]];

export interface BackwardContext<A> {
  /** Builds the gradient's nodes. */
  readonly b: GraphBuilder;
  readonly inputs: Inputs<Value>;
  readonly optional: readonly string[];
  readonly attrs: A;
  readonly outputs: Inputs<Value>;
  /** Gradient of the first output: what ops with a single result need. */
  readonly grad: Value;
  /** Gradient of each output; null where nothing depends on it. At least one is there. */
  readonly grads: readonly (Value | null)[];
  /**
   * For ops with a body: gradients towards `wrt` of values whose own gradients are given, built where
   * `b` builds; null where nothing flows.
   */
  readonly pullback: (
    seeds: readonly (readonly [value: Value, gradient: Value])[],
    wrt: readonly Value[],
  ) => readonly (Value | null)[];
}

export type Gradient<A> =
  /** One entry per input (required, then present optional ones); null: no gradient flows there. */
  | { readonly backward: (context: BackwardContext<A>) => readonly (Value | null)[] }
  /** Why there is none. Reaching such an op from a loss is a build error, unless `zero` is set. */
  | { readonly none: string; readonly zero?: boolean };

/** Inputs for the registry tests. Values are drawn uniformly from `range` (default −2 … 2). */
export interface OpSample {
  readonly inputs: readonly {
    /** "n" dimensions are tried as 3. */
    readonly shape: readonly Dim[];
    readonly dtype?: DType;
    readonly range?: readonly [number, number];
    /** Explicit values instead of random ones. */
    readonly values?: readonly number[];
    /** Keep random values at least 0.05 away from these (kinks of the function). */
    readonly avoid?: readonly number[];
    /** Make all random values differ by at least 0.01 (max pooling, sorting). */
    readonly distinct?: boolean;
    /** Divide by the sum over the last axis, to make probabilities. */
    readonly normalise?: boolean;
    /** Leave this input out of the gradient check (it is an index, or the output of another op). */
    readonly fixed?: boolean;
  }[];
  /** Optional inputs, by name, as further entries. */
  readonly optional?: Readonly<Record<string, OpSample["inputs"][number]>>;
  readonly attrs?: Attributes;
  /** What the op's body computes, for ops that have one. */
  readonly body?: <T, D>(o: Ops<T, D>, values: Inputs<T>) => readonly [T, ...T[]];
}

type Callback = (...values: never[]) => unknown;

/** The options object of op K without the optional tensors; a body is of type `Body`. */
type OptionsOf<K extends OpKind, Body> =
  Parameters<Builder[K]> extends readonly [...infer _, infer Last]
    ? Last extends Value | readonly Value[]
      ? Record<never, never>
      : {
          [P in keyof Last as Extract<Last[P], Value> extends never
            ? P
            : never]: Last[P] extends Callback ? Body : Last[P];
        }
    : Record<never, never>;

/** The attributes of op K, with the body as a graph. */
export type AttrsOf<K extends OpKind> = OptionsOf<K, Graph>;

/** A body as `evaluate` gets it. */
export type ReferenceBody = (...values: ReferenceTensor[]) => readonly ReferenceTensor[];

export interface OpDef<K extends OpKind = OpKind> {
  readonly kind: K;
  /** One sentence for the generated reference. */
  readonly summary: string;
  /** Names of the required inputs, in order. */
  readonly inputs: readonly string[];
  /** The only input is an array of any length ≥ 1 (concat). */
  readonly variadic?: true;
  /** Names of optional inputs, in the order they follow the required ones. */
  readonly optional?: readonly string[];
  /** Attributes that hold shapes with possibly symbolic dimensions. */
  readonly shapeAttrs?: readonly string[];
  /**
   * The op has a body, given as the attribute `body`: what that is called with, as far as it follows
   * from the inputs. Values from outside that it uses are added to the inputs and parameters.
   */
  readonly body?: (inputs: readonly TensorType[], attrs: AttrsOf<K>) => readonly Parameter[];
  /** The result's types; throws `Rejection` when inputs do not fit. Knows nothing of YAML. */
  readonly infer: (
    inputs: Inputs<TensorType>,
    attrs: AttrsOf<K>,
    optional: readonly string[],
  ) => readonly TensorType[];
  readonly gradient: Gradient<AttrsOf<K>>;
  /** The same results from simpler ops, for engines that lack this one. */
  readonly expand?: (
    b: Builder,
    inputs: Inputs<Value>,
    attrs: AttrsOf<K>,
    optional: readonly string[],
  ) => readonly Value[];
  /**
   * The meaning, slow and obvious. Symbolic dimensions in attrs are already numbers, and a body is a
   * function from tensors to tensors.
   */
  readonly evaluate: (
    inputs: Inputs<ReferenceTensor>,
    attrs: OptionsOf<K, ReferenceBody>,
    optional: readonly string[],
  ) => readonly ReferenceTensor[];
  readonly samples: readonly OpSample[];
}

export function defineOp<K extends OpKind>(definition: OpDef<K>): OpDef<K> {
  return definition;
}

/** A definition whose attribute types have been forgotten: what generic code works with. */
// biome-ignore lint/suspicious/noExplicitAny: one table holds ops of all attribute types
export type AnyOpDef = OpDef<any>;
