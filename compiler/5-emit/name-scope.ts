/**
 * @file Makes the identifiers of generated code. Whatever text it is given, it returns a plain ASCII
 * identifier that is no reserved word and not taken in its scope.
 */

/** A string that only a NameScope makes. */
export type Identifier = string & { readonly __identifier: unique symbol };

/** Words that cannot name a local in a module, and globals that generated code uses. */
const reserved = new Set(
  `abstract any arguments as async await bigint boolean break case catch class const continue
  debugger declare default delete do else enum eval export extends false finally for from function
  get if implements import in infer instanceof interface is keyof let module namespace never new null
  number object of package private protected public readonly require return satisfies set static
  string super switch symbol this throw true try type typeof undefined unique unknown using var void
  while with yield NaN Infinity Number Object Array Promise Readonly Record globalThis constructor
  prototype`.split(/\s+/),
);

const longest = 60;

/** Letters, digits and `_` only, not starting with a digit. */
function clean(text: string): string {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, longest);
  if (plain === "") return "value";
  return /^[0-9]/.test(plain) ? `_${plain}` : plain;
}

export class NameScope {
  readonly #taken: Set<string>;
  readonly #parent: NameScope | null;
  /** Next suffix to try for a name, so that many equal names stay cheap. */
  readonly #next = new Map<string, number>();

  private constructor(parent: NameScope | null, taken: readonly string[]) {
    this.#parent = parent;
    this.#taken = new Set(taken);
  }

  /** A scope in which the given names, all written by dlc itself, are taken already. */
  static create(taken: readonly string[] = []): NameScope {
    return new NameScope(null, taken);
  }

  /** A scope inside this one: no name of this scope is shadowed in it. */
  child(taken: readonly string[] = []): NameScope {
    return new NameScope(this, taken);
  }

  #has(name: string): boolean {
    if (reserved.has(name) || this.#taken.has(name)) return true;
    const parent = this.#parent;
    return parent ? parent.#has(name) : false;
  }

  /** The first of the wanted names that is free; the last one with a number if none is. */
  unique(...wanted: readonly [string, ...string[]]): Identifier {
    let base = "value";
    for (const text of wanted) {
      base = clean(text);
      if (!this.#has(base)) return this.#take(base);
    }
    for (let number = this.#next.get(base) ?? 2; ; number++) {
      const name = `${base}_${number}`;
      if (this.#has(name)) continue;
      this.#next.set(base, number + 1);
      return this.#take(name);
    }
  }

  /** A type name: `digit` → `DigitLabel` with the suffix "Label". */
  uniqueType(text: string, suffix: string): Identifier {
    const pascal = clean(text)
      .split("_")
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join("");
    return this.unique(/^[0-9]/.test(pascal) ? `_${pascal}${suffix}` : `${pascal}${suffix}`);
  }

  #take(name: string): Identifier {
    this.#taken.add(name);
    return name as Identifier;
  }
}
