/** @file Reads the IR's text form (grammar in text.ts): tests and rewrite rules are written in it. */
import type { ElementType, OpKind } from "@dlc/runtime";
import type { AnyOpDef } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import { createBuilder, type GraphBuilder } from "./builder.js";
import { noOrigin, type Origin } from "./origin.js";
import {
  dtypes,
  formatType,
  IrSyntaxError,
  readNumber,
  resultName,
  sameType,
  usualAttributes,
} from "./text.js";
import { type Token, tokenize } from "./tokens.js";
import {
  type Dim,
  type Graph,
  type GraphOutput,
  type TensorType,
  typeOf,
  type Value,
} from "./types.js";

/** Reads tokens one after the other. */
function createCursor(text: string) {
  const tokens = tokenize(text);
  let at = 0;
  const last: Token = { kind: "end", text: "", line: tokens.at(-1)?.line ?? 1 };
  const peek = (ahead = 0): Token => tokens[at + ahead] ?? last;
  const fail = (message: string): never => {
    throw new IrSyntaxError(peek().line, message);
  };
  const isMark = (text: string, ahead = 0): boolean =>
    peek(ahead).kind === "mark" && peek(ahead).text === text;
  const accept = (text: string): boolean => {
    if (!isMark(text)) return false;
    at++;
    return true;
  };
  return {
    peek,
    fail,
    isMark,
    accept,
    done: () => at >= tokens.length,
    next: (): Token => tokens[at++] ?? last,
    expect: (text: string): void => {
      if (!accept(text)) fail(`expected '${text}', found '${peek().text}'`);
    },
    /** A name, quoted or not. */
    name: (): string => {
      const token = peek();
      if (token.kind !== "word" && token.kind !== "string")
        fail(`expected a name, found '${token.text}'`);
      at++;
      return token.text;
    },
    word: (text: string): boolean => {
      if (peek().kind !== "word" || peek().text !== text) return false;
      at++;
      return true;
    },
    /** The comment that ends the line, if one comes next. */
    comment: (): string => (peek().kind === "comment" ? (tokens[at++]?.text ?? "") : ""),
    skipEnds: (): void => {
      while (at < tokens.length && (peek().kind === "end" || peek().kind === "comment")) at++;
    },
  };
}
type Cursor = ReturnType<typeof createCursor>;

/** `@ layer type phase "file" start-end`, as printed; other comments say nothing of the origin. */
function readOrigin(comment: string): Origin {
  if (!comment.startsWith("@")) return noOrigin;
  const words = [...comment.slice(1).matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)].map(([word]) =>
    word.startsWith('"') ? (JSON.parse(word) as string) : word,
  );
  const [layer = "", type = "", phase = "forward", file, range = ""] = words;
  const [start, end] = range.split("-").map(Number);
  const span = file === undefined ? null : { file, start: start ?? 0, end: end ?? 0 };
  return { layer, type, phase: phase as Origin["phase"], span };
}

function readType(cursor: Cursor): TensorType {
  const word = cursor.name();
  const dtype = dtypes.find((known) => known === word) ?? cursor.fail(`'${word}' is not a type`);
  const shape = cursor.isMark("[") ? (readAttribute(cursor) as readonly Dim[]) : [];
  return { dtype: dtype as ElementType, shape };
}

function readAttribute(cursor: Cursor): unknown {
  if (cursor.accept("{")) return readBody(cursor);
  if (cursor.accept("[")) {
    const items: unknown[] = [];
    while (!cursor.accept("]")) {
      items.push(readAttribute(cursor));
      if (!cursor.isMark("]")) cursor.expect(",");
    }
    return items;
  }
  const quoted = cursor.peek().kind === "string";
  const word = cursor.name();
  if (quoted) return word;
  if (word === "true" || word === "false") return word === "true";
  return readNumber(word) ?? word;
}

type Scope = Map<string, Value>;

function readOperand(cursor: Cursor, scope: Scope): Value {
  const name = cursor.name();
  return scope.get(name) ?? cursor.fail(`there is no value '${name}'`);
}

function readParameters(cursor: Cursor, b: GraphBuilder, scope: Scope): void {
  cursor.expect("(");
  while (!cursor.accept(")")) {
    const role = cursor.isMark(":", 1) ? "batch" : cursor.name();
    const name = cursor.name();
    cursor.expect(":");
    const { dtype, shape } = readType(cursor);
    if (!cursor.isMark(")") && cursor.peek().kind !== "comment") cursor.expect(",");
    b.origin = readOrigin(cursor.comment());
    if (role === "state") scope.set(name, b.state(name, dtype, shape));
    else if (role === "batch" || role === "scalar")
      scope.set(name, b.input(name, role, dtype, shape));
    else cursor.fail(`'${role}' is not 'state', 'scalar' or 'batch'`);
  }
}

function readResults(cursor: Cursor, scope: Scope): readonly GraphOutput[] {
  const outputs: GraphOutput[] = [];
  const atEnd = (): boolean =>
    cursor.peek().kind === "end" || cursor.peek().kind === "comment" || cursor.isMark("}");
  while (!atEnd()) {
    const isState = cursor.peek(1).kind !== "mark" && cursor.isMark("=", 2) && cursor.word("state");
    const name = cursor.isMark("=", 1) ? cursor.name() : resultName(outputs.length);
    cursor.accept("=");
    const value = readOperand(cursor, scope);
    outputs.push({ name, role: isState ? "state" : "output", value });
    if (!atEnd()) cursor.expect(",");
  }
  return outputs;
}

function readTargets(
  cursor: Cursor,
): { readonly name: string; readonly type: TensorType | null }[] {
  const targets = [];
  do {
    const name = cursor.name();
    targets.push({ name, type: cursor.accept(":") ? readType(cursor) : null });
  } while (cursor.accept(","));
  cursor.expect("=");
  return targets;
}

function readOp(cursor: Cursor): { readonly kind: OpKind; readonly definition: AnyOpDef } {
  const table: Readonly<Record<string, AnyOpDef | undefined>> = ops;
  const name = cursor.peek().text;
  const definition = Object.hasOwn(ops, name) ? table[name] : undefined;
  if (definition === undefined) return cursor.fail(`'${name}' is not an op`);
  cursor.next();
  return { kind: definition.kind, definition };
}

function readStatement(cursor: Cursor, b: GraphBuilder, scope: Scope): void {
  const { line } = cursor.peek();
  const targets = readTargets(cursor);
  const { kind, definition } = readOp(cursor);
  const inputs: Value[] = [];
  const named = new Map<string, Value>();
  const attrs: Record<string, unknown> = { ...usualAttributes(kind) };
  while (cursor.peek().kind === "word" || cursor.peek().kind === "string") {
    if (!cursor.isMark("=", 1)) {
      inputs.push(readOperand(cursor, scope));
      continue;
    }
    const key = cursor.name();
    cursor.expect("=");
    if (definition.optional?.includes(key)) named.set(key, readOperand(cursor, scope));
    else attrs[key] = readAttribute(cursor);
  }
  b.origin = readOrigin(cursor.comment());
  const wanted = definition.variadic ? Math.max(inputs.length, 1) : definition.inputs.length;
  if (inputs.length !== wanted) {
    throw new IrSyntaxError(line, `${kind} takes ${wanted} inputs, not ${inputs.length}`);
  }
  const optional = (definition.optional ?? []).filter((key) => named.has(key));
  const extra = optional.map((key) => named.get(key) as Value);
  define(
    targets,
    applyAt(line, () => b.apply(kind, [...inputs, ...extra], attrs, optional)),
    scope,
    line,
  );
}

function applyAt<T>(line: number, build: () => T): T {
  try {
    return build();
  } catch (error) {
    throw new IrSyntaxError(line, error instanceof Error ? error.message : String(error));
  }
}

function define(
  targets: ReturnType<typeof readTargets>,
  values: readonly Value[],
  scope: Scope,
  line: number,
): void {
  if (targets.length !== values.length) {
    throw new IrSyntaxError(line, `${values.length} results for ${targets.length} names`);
  }
  targets.forEach(({ name, type }, i) => {
    const value = values[i] as Value;
    if (scope.has(name)) throw new IrSyntaxError(line, `'${name}' is defined twice`);
    if (type !== null && !sameType(type, typeOf(value))) {
      const found = formatType(typeOf(value));
      throw new IrSyntaxError(line, `'${name}' is ${found}, not ${formatType(type)}`);
    }
    scope.set(name, value);
  });
}

/** Statements up to and including the results. */
function readStatements(cursor: Cursor, b: GraphBuilder, scope: Scope): readonly GraphOutput[] {
  cursor.skipEnds();
  while (!cursor.word("return")) {
    if (cursor.done()) cursor.fail("there is no 'return'");
    readStatement(cursor, b, scope);
    if (cursor.peek().kind !== "end") cursor.fail(`unexpected '${cursor.peek().text}'`);
    cursor.skipEnds();
  }
  return readResults(cursor, scope);
}

/** The body of an op: `{ (h: f32[n,4]) …; return … }`. */
function readBody(cursor: Cursor): Graph {
  const b = createBuilder();
  const scope: Scope = new Map();
  cursor.skipEnds();
  const name = cursor.word("graph") ? cursor.name() : "";
  readParameters(cursor, b, scope);
  const parameters = [...scope].map(([name, value]) => ({ name, type: typeOf(value) }));
  const outputs = readStatements(cursor, b, scope);
  cursor.skipEnds();
  cursor.expect("}");
  return { name, parameters, outputs };
}

/**
 * The graph that a text describes. Throws `IrSyntaxError` with the line of the first mistake.
 * Printing the result gives the printed form of the text: `print(parse(print(g))) = print(g)`.
 */
export function parseGraph(text: string): Graph {
  const cursor = createCursor(text);
  const b = createBuilder();
  const scope: Scope = new Map();
  cursor.skipEnds();
  const name = cursor.word("graph") ? cursor.name() : "";
  readParameters(cursor, b, scope);
  const outputs = readStatements(cursor, b, scope);
  cursor.skipEnds();
  if (!cursor.done()) cursor.fail(`unexpected '${cursor.peek().text}' after the results`);
  return { name, outputs };
}
