/**
 * @file The types of a generated package's inputs and outputs, so that a changed class name or shape
 * in the spec does not compile where the package is used.
 */
import type { FeatureSpec, HeadSpec } from "@dlc/runtime";
import type { CompiledModel } from "../compiled-model.js";
import { nodesOf } from "../ir/traverse.js";
import { numberLiteral, propertyName, stringLiteral } from "./literal.js";
import type { Identifier, NameScope } from "./name-scope.js";

const tuple = (shape: readonly number[]): string =>
  `readonly [${shape.map(numberLiteral).join(", ")}]`;

export interface ApiTypes {
  /** Statements that declare the label types. */
  readonly labels: readonly string[];
  /** The type of one example's features: of an `Input`. */
  readonly input: string;
  /** The type of one example's targets. */
  readonly target: string;
  readonly output: string;
  /** What generate() is given and makes; null without a generate section. */
  readonly given: string;
  readonly generated: string | null;
  /** The label type of the only category head, if there is just one. */
  readonly label: Identifier | null;
  /** Names to import from the runtime. */
  readonly imports: readonly string[];
}

/** Declares one union of class names for each feature, target or head that has classes. */
class Labels {
  readonly statements: string[] = [];
  readonly #names = new Map<string, Identifier>();
  readonly #scope: NameScope;
  constructor(scope: NameScope) {
    this.#scope = scope;
  }

  /** The type of a class name; `string` where the classes are not known. */
  of(subject: string, classes: readonly string[] | null | undefined): string {
    if (!classes || classes.length === 0) return "string";
    const known = this.#names.get(subject);
    if (known !== undefined) return known;
    const name = this.#scope.uniqueType(subject, "Label");
    this.#names.set(subject, name);
    const literals = classes.map(stringLiteral);
    const line = `export type ${name} = ${literals.join(" | ")};`;
    const lines = `export type ${name} =\n  | ${literals.join("\n  | ")};`;
    this.statements.push(line.length <= 100 ? line : lines);
    return name;
  }

  nameOf(subject: string): Identifier | null {
    return this.#names.get(subject) ?? null;
  }
}

export function apiTypes(model: CompiledModel, scope: NameScope): ApiTypes {
  const { spec, facts, heads } = model;
  const labels = new Labels(scope);
  const imports = new Set<string>();
  const use = (name: string, ...parameters: readonly string[]): string => {
    imports.add(name);
    return `${name}<${parameters.join(", ")}>`;
  };
  const classesOf = (name: string, feature: FeatureSpec): readonly string[] | null =>
    feature.type === "category" ? (feature.classes ?? facts[name]?.classes ?? null) : null;

  /** The type of one example's value: a new feature type is one entry. */
  const value: {
    readonly [K in FeatureSpec["type"]]: (name: string, spec: FeatureSpec & { type: K }) => string;
  } = {
    image: (_, { shape }) => use("ImageInput", ...shape.map(numberLiteral)),
    number: () => "number",
    vector: (_, { shape }) => use("VectorInput", tuple(shape)),
    category: (name, feature) => labels.of(name, classesOf(name, feature)),
    text: () => "string",
    sequence: (_, { channels }) => use("SequenceInput", numberLiteral(channels)),
  };
  const valueType = (name: string, feature: FeatureSpec): string =>
    (value[feature.type] as (name: string, feature: FeatureSpec) => string)(name, feature);
  const record = (features: readonly (readonly [string, FeatureSpec])[]): string => {
    const lines = features.map(
      ([name, feature]) => `\n  readonly ${propertyName(name)}: ${valueType(name, feature)};`,
    );
    return lines.length === 0 ? "Readonly<Record<string, never>>" : `{${lines.join("")}\n}`;
  };

  const headType = (head: HeadSpec): string => {
    const label = (classes: readonly string[] | null): string =>
      labels.of(head.target ?? head.name, classes);
    const kinds: { readonly [K in HeadSpec["kind"]]: () => string } = {
      category: () => use("CategoryOutput", label(head.classes)),
      // Without names the two classes go by their numbers.
      binary: () => use("BinaryOutput", label(head.classes ?? ["0", "1"])),
      value: () => {
        if (head.shape.some((dim) => dim !== 1)) return use("TensorOutput", tuple(head.shape));
        imports.add("NumberOutput");
        return "NumberOutput";
      },
      tokens() {
        imports.add("TokensOutput");
        return "TokensOutput";
      },
    };
    return kinds[head.kind]();
  };
  // A prediction needs the features that the infer program reads, no others.
  const read = new Set(
    nodesOf(model.programs.infer)
      .filter((node) => node.kind === "input")
      .map((node) => String(node.attrs.name)),
  );
  const { generate } = model;
  const predicts = generate?.sequence?.predicts ?? null;
  // Of several outputs that read their targets, predict() gives the one that is generated.
  const readsTargets = [...read].some((name) => Object.hasOwn(spec.data?.targets ?? {}, name));
  const computed = new Set(model.programs.infer.outputs.map(({ name }) => name));
  const predicted = heads.filter(
    ({ name }) => name === predicts || (!readsTargets && computed.has(name)),
  );
  const plain = (name: string): string => {
    imports.add(name);
    return name;
  };
  const outputType = (): string => {
    const [only] = predicted;
    const typeOf = (head: HeadSpec): string =>
      head.name === predicts ? plain("TextOutput") : headType(head);
    if (heads.length === 1 && only !== undefined) return typeOf(only);
    const lines = predicted.map(
      (head) => `\n  readonly ${propertyName(head.name)}: ${typeOf(head)};`,
    );
    return `{${lines.join("")}\n}`;
  };

  const features = Object.entries(spec.data?.features ?? {}).filter(([name]) => read.has(name));
  const input = record(features);
  const target = record(Object.entries(spec.data?.targets ?? {}));
  const output = outputType();
  const columns = { ...spec.data?.features, ...spec.data?.targets };
  const conditions = Object.entries(columns).filter(([name]) => generate?.given.includes(name));
  const given = record(conditions);
  const isText = generate?.sequence !== undefined && generate.sequence.text !== null;
  const made = generate && (isText ? plain("GeneratedText") : headType(generate.head));
  const labelled = heads.filter(({ kind }) => kind !== "value" && kind !== "tokens");
  const [first] = labelled;
  const label =
    labelled.length === 1 && first !== undefined ? labels.nameOf(first.target ?? first.name) : null;
  return {
    labels: labels.statements,
    input,
    target,
    output,
    given,
    generated: made ?? null,
    label,
    imports: [...imports].sort(),
  };
}
