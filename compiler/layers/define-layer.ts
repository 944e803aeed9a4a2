/**
 * @file The shape of a layer file: its fields (schema branch, type, documentation and default in one
 * statement) and how it lowers to ops. Layers are what specs say; ops are what graphs hold.
 */
import type { DType, InitSpec } from "@dlc/runtime";
import type { Shape, Value } from "../ir/types.js";
import type { Builder } from "../ops/define-op.js";
import type { Field, FieldValues } from "./fields.js";

/** Ids of classes or tokens: 0 ≤ id < count. */
export interface Ids {
  readonly count: number;
  /** The feature, target or layer that they come from. */
  readonly of: string;
  /** Of a text: its vocabulary has the special tokens, and 0 is padding. */
  readonly isText: boolean;
}

export interface LayerContext<F extends Record<string, Field<unknown>>> {
  readonly b: Builder;
  /** The inputs' values; a layer with `inputs: "one"` finds exactly one, with "none" none. */
  readonly inputs: readonly Value[];
  /** What each input is for: `input`, then the roles that are given. */
  readonly inputRoles: readonly string[];
  /** `inputs[0]`; reading it is a fault in a layer without inputs. */
  readonly x: Value;
  readonly fields: FieldValues<F>;
  /** The layer's unique name. */
  readonly name: string;
  /** Names of the inputs (layers or features), aligned with `inputs`. */
  readonly inputNames: readonly string[];
  /** If the first input holds ids of classes or tokens: how many there are. */
  readonly classes: number | null;
  /** Aligned with `inputs`: of those that hold ids of classes or tokens, what they are ids of. */
  readonly ids: readonly (Ids | null)[];
  /**
   * Aligned with `inputs`: of a sequence with padding the bool `[n, steps]` that is true where an
   * example has that step; null where there is no padding.
   */
  readonly masks: readonly (Value | null)[];
  /** How many classes or tokens a feature or target has (null: none is named so, or it has no classes). */
  classesOf(name: string): number | null;
  /** The output's padding, of layers with `padding: "handles"`; without a call it has none. */
  setMask(mask: Value | null): void;
  /** The output holds ids; without a call it does not. */
  setIds(ids: Ids): void;
  readonly training: boolean;
  /**
   * A trained tensor named `<layer>.<name>`. `decay`: counts for l1/l2 penalties and weight decay
   * (kernels do; biases, scales and offsets do not). `l1`/`l2` add the layer's own penalties.
   */
  weight(
    name: string,
    shape: readonly number[],
    init: InitSpec,
    options?: { readonly decay?: boolean; readonly l1?: number; readonly l2?: number },
  ): Value;
  /** A tensor named `<layer>.<name>` that the forward pass moves (running statistics). */
  buffer(name: string, shape: readonly number[], init: InitSpec): Value;
  /** Sets the next value of a buffer; only while training. */
  update(name: string, next: Value): void;
  /** Numbers in [0, 1), different for every step and site. */
  random(shape: Shape): Value;
  /** Standard normal numbers, likewise. */
  normal(shape: Shape): Value;
  /** f32 scalar: the number of this update (of its phase), from 1. Only while training. */
  step(): Value;
  /** A further output, to be read as `<layer>.<name>`; the layer's definition lists it. */
  also(name: string, value: Value, mask?: Value | null): void;
  /**
   * Rejects the spec: `shape-mismatch` with this reason at the layer (or at a field of it), with the
   * trail of shapes. Never returns.
   */
  reject(reason: string, field?: string): never;
}

export interface LayerDef<
  F extends Record<string, Field<unknown>> = Record<string, Field<unknown>>,
> {
  /** Key in the spec: snake_case. */
  readonly type: string;
  readonly summary: string;
  /**
   * one: reads the layer above or `from`; many: merges several, given as the primary value
   * (`add: [a, b]`) or by `from: [a, b]`; none: a source of values of its own.
   */
  readonly inputs: "one" | "many" | "none";
  /**
   * With "one": further inputs that `from: {input: …, <role>: …}` may give, and what they are for.
   * They follow `x` in `inputs`, in the order of `inputRoles`.
   */
  readonly roles?: Readonly<Record<string, string>>;
  /** Outputs beside the result, set by `also`, and what they are. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** The field set by `name: value`; null: the layer takes none (`- flatten`). For "many": the inputs. */
  readonly primary: (keyof F & string) | null;
  readonly fields: F;
  /**
   * What becomes of the padding behind the end of shorter sequences (`[n, steps, …]` with a mask).
   * passes: every step is computed by itself, so the output has the padding of the (first) input;
   * zeros: steps are mixed, and padding is read as zeros; the output has none;
   * handles: the layer reads `masks` and calls `setMask`;
   * refuses (default): a sequence with padding is a mistake, reported with a remedy.
   */
  readonly padding?: "passes" | "zeros" | "handles" | "refuses";
  /** Of layers that refuse padding: what to do instead, as a sentence. */
  readonly paddingRemedy?: string;
  /**
   * Could step t of the output depend on later steps of input `role`? A decoder built with such a layer
   * would see what it has to predict. Default false, which is right for layers that "pass" padding.
   */
  readonly looksAhead?: (
    fields: FieldValues<F>,
    role: string,
    /** All roles that the layer's inputs have. */
    roles: readonly string[],
  ) => boolean;
  /**
   * Of layers that move steps: by how many the steps of input number `index` come later in the output
   * (negative: earlier). `shapes`: of all inputs. Default: step t stays step t.
   */
  readonly delay?: (fields: FieldValues<F>, index: number, shapes: readonly Shape[]) => number;
  /** Settings that change nothing while others are as they are, with the reason: warned of where written. */
  readonly idle?: (fields: FieldValues<F>) => Readonly<Record<string, string>>;
  /** May its input be a target? Only of layers that keep the target from being seen too early (`previous`). */
  readonly readsTargets?: boolean;
  /** The name of the main input's role in `from: {…}`. Default `input`. */
  readonly inputRole?: string;
  /** `name: value` names the main input, as `from` would: `previous: translation`. */
  readonly inputByValue?: boolean;
  /** A field that names a feature, a target or a layer that gives ids, for `classesOf`. */
  readonly namesIds?: keyof F & string;
  /**
   * While its weights are frozen the layer computes as in inference, also in training: of layers with
   * running statistics, which would otherwise go on moving. Default false.
   */
  readonly stillWhenFrozen?: boolean;
  /**
   * What fields that are null unless given stand for, for `dlc inspect --resolved`; `shapeOf`: of the
   * layer's tensors, null where there is none of that name.
   */
  readonly implied?: (
    fields: FieldValues<F>,
    shapeOf: (tensor: string) => readonly number[] | null,
  ) => Readonly<Partial<Record<keyof F & string, unknown>>>;
  /** Element types of the inputs; default only f32 (an index reaches embeddings alone). */
  readonly accepts?: readonly DType[];
  /** Input and output shape in words: `[n, …, in] → [n, …, units]`. */
  readonly shapes: string;
  /** YAML of one use, for the reference and the schema. */
  readonly example: string;
  readonly lower: (context: LayerContext<F>) => Value;
}

export function defineLayer<const F extends Record<string, Field<unknown>>>(
  definition: LayerDef<F>,
): LayerDef<F> {
  return definition;
}

// biome-ignore lint/suspicious/noExplicitAny: one table holds layers of all field types
export type AnyLayerDef = LayerDef<any>;
