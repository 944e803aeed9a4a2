/** @file From text to tree: guarded parsing of one YAML document. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Diagnostics } from "../../diagnostics/report.js";
import type { Span } from "../../ir/origin.js";
import { limits } from "./limits.js";
import { readPlainScalar } from "./scalar.js";
import { scan } from "./scan.js";
import { reportSyntaxError } from "./syntax-error.js";
import type { ValueSource, YamlEntry, YamlList, YamlMap, YamlNode, YamlScalar } from "./tree.js";

/**
 * Parses one document. Returns null after reporting what is wrong with it. Safe for hostile input:
 * depth and size are bounded before anything recursive runs.
 */
export function parseYaml(
  text: string,
  file: string,
  diagnostics: Diagnostics,
  source: ValueSource = "spec",
): YamlNode | null {
  if (!scan(text, file, diagnostics)) return null;
  const document = parseDocument(text, {
    schema: "failsafe", // every scalar stays text; `readPlainScalar` decides
    merge: false,
    uniqueKeys: false, // the library's check is quadratic
    prettyErrors: false,
    logLevel: "error",
  });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    reportSyntaxError(problem, text, file, diagnostics);
    return null;
  }
  if (document.contents === null) {
    diagnostics.report("empty-file", { file, start: 0, end: Math.min(1, text.length) }, {});
    return null;
  }
  const composer = new Composer(text, file, diagnostics, source);
  const root = composer.node(document.contents, { file, start: 0, end: 0 }, 0);
  return composer.failed ? null : root;
}

/** Names that would reach JavaScript's prototypes if a map were ever treated as an object. */
const forbiddenKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Why a key is refused, or null where it is fine. */
function keyProblem(key: string): { reason: string; remedy: string } | null {
  if (key === "<<") {
    return {
      reason: "merge keys are not part of specs",
      remedy: "Write the keys out, or use a block with params.",
    };
  }
  if (forbiddenKeys.has(key)) {
    return { reason: "the name is reserved by JavaScript", remedy: "Choose another name." };
  }
  if (key === "") return { reason: "a key needs a name", remedy: "Write a name before the colon." };
  return null;
}

class Composer {
  failed = false;
  #nodes = 0;
  #stopped = false;
  /** The alias that is being followed, outermost: what grows too large grows there. */
  #following: Span | null = null;
  readonly #anchors = new Map<string, Node>();
  /** Anchored nodes around the current one: an alias to one of them would be a cycle. */
  readonly #open = new Set<Node>();

  constructor(
    readonly text: string,
    readonly file: string,
    readonly diagnostics: Diagnostics,
    readonly source: ValueSource,
  ) {}

  /** `near`: the place to name where the node is empty. */
  node(node: Node | null, near: Span, depth: number): YamlNode {
    this.#nodes += 1;
    if (this.#stopped) return this.#empty(near);
    if (this.#nodes > limits.nodes) {
      return this.#stop(() =>
        this.diagnostics.report("file-too-large", this.#following ?? near, {
          limit: `${limits.nodes} values`,
        }),
      );
    }
    if (depth > limits.depth) {
      return this.#stop(() =>
        this.diagnostics.report("too-deep", this.#following ?? near, { limit: limits.depth }),
      );
    }
    if (node === null) return this.#empty(near);
    if (isAlias(node)) return this.#alias(node.source, this.#spanOf(node, near), depth);
    const anchor = node.anchor;
    if (anchor !== undefined) {
      this.#anchors.set(anchor, node);
      this.#open.add(node);
    }
    const result = this.#content(node, near, depth);
    this.#open.delete(node);
    return result;
  }

  #content(node: Node, near: Span, depth: number): YamlNode {
    if (isScalar(node)) return this.#scalar(node, near);
    if (isSeq(node)) return this.#list(node, near, depth);
    if (isMap(node)) return this.#map(node, near, depth);
    return this.#empty(near);
  }

  #alias(name: string, span: Span, depth: number): YamlNode {
    const target = this.#anchors.get(name);
    if (target === undefined || this.#open.has(target)) {
      const reason =
        target === undefined
          ? "no anchor of that name stands before it"
          : "it stands inside what it names";
      return this.#stop(() => this.diagnostics.report("yaml-alias", span, { name, reason }));
    }
    const outermost = this.#following === null;
    if (outermost) this.#following = span;
    const node = this.node(target, span, depth + 1);
    if (outermost) this.#following = null;
    return node;
  }

  #scalar(node: Scalar, near: Span): YamlNode {
    const written = this.#spanOf(node, near);
    const span = written.end > written.start ? written : near;
    const text = String(node.value ?? "");
    if (node.type !== "PLAIN") {
      return { kind: "scalar", value: text, plain: false, span, source: this.source };
    }
    const reading = readPlainScalar(text);
    if ("refused" in reading) {
      this.failed = true;
      const advice =
        /^[-+]?\./.test(text) && Number.isNaN(Number(text))
          ? "Write a number. In quotes it would be a text."
          : "Write it in quotes if it is a text; else use a smaller number.";
      this.diagnostics.report("number-not-exact", span, { text, reason: reading.refused, advice });
      return this.#empty(span);
    }
    return { kind: "scalar", value: reading.value, plain: true, span, source: this.source };
  }

  #list(node: YAMLSeq, near: Span, depth: number): YamlList {
    const written = this.#spanOf(node, near);
    const items = node.items.map((item) => this.node(item as Node | null, written, depth + 1));
    return { kind: "list", items, span: node.flow === true ? written : around(written, items) };
  }

  #map(node: YAMLMap, near: Span, depth: number): YamlMap {
    const written = this.#spanOf(node, near);
    const entries = new Map<string, YamlEntry>();
    for (const pair of node.items as Pair<Node | null, Node | null>[]) {
      const entry = this.#entry(pair, written, depth);
      if (entry === null) continue;
      const first = entries.get(entry.key);
      if (first === undefined) entries.set(entry.key, entry);
      else this.#duplicate(entry, first);
    }
    const parts = [...entries.values()].flatMap((e) => [{ span: e.keySpan }, e.value]);
    return { kind: "map", entries, span: node.flow === true ? written : around(written, parts) };
  }

  #entry(pair: Pair<Node | null, Node | null>, near: Span, depth: number): YamlEntry | null {
    const { key } = pair;
    if (!isScalar(key)) {
      this.failed = true;
      const span = key === null ? near : this.#spanOf(key, near);
      this.diagnostics.report("yaml-key", firstLine(span, this.text), {
        key: "this",
        reason: "it is a list, a map or an alias",
        remedy: "Keys are plain names.",
      });
      return null;
    }
    const keySpan = this.#spanOf(key, near);
    const name = String(key.value ?? "");
    const problem = keyProblem(name);
    if (problem !== null) {
      this.failed = true;
      this.diagnostics.report("yaml-key", keySpan.end > keySpan.start ? keySpan : near, {
        key: name === "" ? "this" : `'${name}'`,
        ...problem,
      });
      return null;
    }
    return { key: name, keySpan, value: this.node(pair.value, keySpan, depth + 1) };
  }

  /** The first one stays, so that the rest of the document is checked as well. */
  #duplicate(entry: YamlEntry, first: YamlEntry): void {
    this.diagnostics.report(
      "duplicate-key",
      entry.keySpan,
      { key: entry.key },
      { notes: [{ message: `'${entry.key}' stands here first`, span: first.keySpan }] },
    );
  }

  #stop(report: () => void): YamlNode {
    report();
    this.failed = true;
    this.#stopped = true;
    return this.#empty({ file: this.file, start: 0, end: 0 });
  }

  #empty(span: Span): YamlScalar {
    return { kind: "scalar", value: null, plain: true, span, source: this.source };
  }

  #spanOf(node: Node, near: Span): Span {
    const range = node.range;
    if (range === null || range === undefined) return near;
    let end = range[1];
    // Block text runs to the start of the next key: leave out its closing line breaks and comments.
    while (end > range[0] && /\s/.test(this.text[end - 1] ?? "")) end -= 1;
    return { file: this.file, start: range[0], end };
  }
}

/** From the first to the last part: block collections have no brackets that end them. */
function around(fallback: Span, parts: readonly { readonly span: Span }[]): Span {
  const own = parts.filter(
    ({ span }) => span.file === fallback.file && span.start >= fallback.start,
  );
  if (own.length === 0) return fallback;
  const end = own.reduce((max, { span }) => Math.max(max, span.end), 0);
  // An alias inside may stand for something further down or up: never grow past what was written.
  return { ...fallback, end: Math.min(end, Math.max(fallback.end, fallback.start)) };
}

function firstLine(span: Span, text: string): Span {
  const newline = text.indexOf("\n", span.start);
  return newline >= 0 && newline < span.end ? { ...span, end: newline } : span;
}
