/** @file Long constant arrays: kept in a module of their own, so that programs stay readable. */
import { nodesWithin } from "../ir/traverse.js";
import type { Graph } from "../ir/types.js";
import { Code, type Printable, print } from "./literal.js";
import type { Identifier, NameScope } from "./name-scope.js";
import type { SourceLines } from "./source-lines.js";

/** Arrays of up to this many numbers are written where they are used. */
const inlineLimit = 16;

export class ConstantTable {
  readonly #names = new Map<string, Identifier>();
  readonly #values = new Map<Identifier, readonly number[]>();

  /** Gives every long array of the programs a name in `scope`; equal arrays share one. */
  constructor(graphs: readonly Graph[], scope: NameScope) {
    for (const node of graphs.flatMap(nodesWithin)) {
      const { value } = node.attrs;
      if (node.kind !== "constant" || !Array.isArray(value) || value.length <= inlineLimit)
        continue;
      const key = value.join();
      if (this.#names.has(key)) continue;
      const name = scope.unique(
        node.origin.layer === "" ? "values" : `${node.origin.layer}_values`,
      );
      this.#names.set(key, name);
      this.#values.set(name, value as readonly number[]);
    }
  }

  /** How a program refers to an array: itself if it is short, else its name. */
  reference(values: readonly number[]): Printable {
    const name = this.#names.get(values.join());
    return name === undefined ? values : Code.of(name);
  }

  /** Names of the long arrays that a graph uses. */
  usedBy(graph: Graph): readonly Identifier[] {
    const used = nodesWithin(graph).flatMap((node) => {
      const { value } = node.attrs;
      const name = Array.isArray(value) ? this.#names.get(value.join()) : undefined;
      return node.kind === "constant" && name !== undefined ? [name] : [];
    });
    return [...new Set(used)].sort();
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** The module's statements. */
  write(out: SourceLines): void {
    for (const [name, values] of this.#values) {
      const start = `export const ${name}: readonly number[] = `;
      out.add(`\n${start}${print(values, { used: start.length + 1 })};`);
    }
  }
}
