/** @file Where in the expansion a list of layers stands. */
import type { Span } from "../../ir/origin.js";
import type { Scope } from "../params.js";
import type { Block } from "./blocks.js";
import type { SharedPlace } from "./layer-use.js";
import type { Input, ListScope } from "./resolve.js";

/** Where in the expansion a list of layers stands. */
export interface Surroundings {
  readonly prefix: string;
  /** What the first layer reads, if it does not say: the block's or network's (first) input. */
  readonly input: Input;
  /** What names of inputs mean; empty outside of blocks and networks. */
  readonly inputs: ReadonlyMap<string, Input>;
  readonly params: Scope;
  /** Names of the blocks around, outermost first. */
  readonly inside: readonly string[];
  /** Names of the networks around, outermost first. */
  readonly networks: readonly string[];
  /** The innermost network around, where it is used, and the prefix of names inside of it. */
  readonly shared: SharedPlace | null;
  /** Of layers of a block that comes with dlc: the blocks that they can use. */
  readonly module: ReadonlyMap<string, Block> | null;
  /** In the model's own list, the entry that all this is expanded from. */
  readonly use: Span | null;
  /** Of a recurrent cell: the list that it stands in. */
  readonly outside?: ListScope;
}

/** Of the model's own list. */
export const outermostList = {
  ...{ prefix: "", input: null, inputs: new Map<string, Input>(), inside: [], networks: [] },
  ...{ shared: null, use: null, module: null },
} as const;

/** Blocks and networks see the spec's parameters, not those of the block that uses them. */
export function outermost(scope: Scope): Scope {
  return scope.outer === null ? scope : outermost(scope.outer);
}

/** One use of a network. */
export interface NetworkUse {
  readonly network: string;
  /** Full name of the use. */
  readonly name: string;
  /** Full name of the layer whose output the use has; null where it could not be built. */
  readonly output: Input;
}
