/**
 * @file How another tool keeps weights: the shape of a layout. Everything about a tensor is data: what it
 * is called there, how its axes lie, which part of a larger tensor it is.
 */

/** One tensor of ours as the other tool has it. */
export interface TensorRule {
  /** Names there, added up; `a|b`: either. */
  readonly from: readonly string[];
  /**
   * Axes there and here: `o i -> i o`. A letter is an axis, `1` one of length 1, and `(c m)` one axis in
   * which m runs faster. Absent: the same on both sides.
   */
  readonly axes?: string;
  /** It is `count` (default 1) of `of` equal parts of axis 0 there, from number `index` on. */
  readonly part?: { readonly of: number; readonly index: number; readonly count?: number };
  /** On the last axis here lie gates; ours number k is theirs number `gates[k]`. */
  readonly gates?: readonly number[];
  /**
   * Of each axis here: does it run over the elements of the layer's input or output? Where these are
   * flattened images and the other tool keeps channels first, they are put channels last.
   */
  readonly along?: readonly ("input" | "output" | null)[];
}

/** Rules by our tensor's name. */
export type LayerRules = Readonly<Record<string, TensorRule>>;

/** Where a tensor of a file belongs: `features.0` and `weight`. */
export interface Place {
  readonly module: string;
  readonly tensor: string;
}

export interface Layout {
  /** In messages: PyTorch. */
  readonly title: string;
  /** The rule of a tensor of ours; undefined: the other tool has no such layer. */
  readonly rules: (type: string, tensor: string) => TensorRule | undefined;
  /** Tensors that have no counterpart and need none. */
  readonly ignored: ReadonlySet<string>;
  /** Are images [c, h, w], and flattened so? */
  readonly channelsFirst: boolean;
  /** Modules and tensors, from all names of a file. */
  readonly places: (names: readonly string[]) => ReadonlyMap<string, Place>;
}

/** Rules of a table by layer type. */
export const fromTable =
  (table: Readonly<Record<string, LayerRules>>): Layout["rules"] =>
  (type, tensor) => {
    const rules = Object.hasOwn(table, type) ? table[type] : undefined;
    return rules !== undefined && Object.hasOwn(rules, tensor) ? rules[tensor] : undefined;
  };

/** What dlc calls the second direction of a recurrent layer. */
const backward = "backward_";

/** The rules, and those of the second direction, whose names there `rename` tells. */
export const bothDirections = (
  rules: LayerRules,
  rename: (name: string) => string,
): LayerRules => ({
  ...rules,
  ...Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [
      `${backward}${name}`,
      { ...rule, from: rule.from.map(rename) },
    ]),
  ),
});

/** The part before and after the last of the separators; a name without any has no module. */
export function splitLast(name: string, separators: RegExp): Place {
  const at = Math.max(-1, ...[...name.matchAll(separators)].map(({ index }) => index));
  return { module: name.slice(0, Math.max(0, at)), tensor: name.slice(at + 1) };
}
