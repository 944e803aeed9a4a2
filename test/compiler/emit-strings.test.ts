/** @file Strings of the spec in emitted packages: they change names and literals, never code. */
import fc from "fast-check";
import { ts } from "ts-morph";
import { describe, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import type { Emitter } from "../../compiler/5-emit/emitter.js";
import { createEmitter } from "../../compiler/5-emit/typescript.js";
import { createWorkspace, loadProgram } from "../support/emitted.js";
import { benign, type HandStrings, handModel } from "../support/hand-model.js";

const emitter = createEmitter();

describe("strings of the spec", () => {
  const payloads = [
    '"; process.exit(7); "',
    "*/ process.exit(7) /*",
    "${process.exit(7)}",
    "`",
    "'",
    "\\",
    "\\u0022",
    "\u2028process.exit(7)",
    "\u2029",
    "\u0000",
    "\u001b[2J",
    "\u202etxt",
    "\ud800",
    "</script><script>alert(1)</script>",
    "<!--",
    "//# sourceMappingURL=x",
    "__proto__",
    "constructor",
    "class",
    "a){};process.exit(7);function b",
    "../../../etc/passwd",
    "猫".repeat(100),
    " ",
    "a".repeat(10_000),
    "o",
    "n",
    "state",
    "train",
    "Input",
    "undefined",
  ];

  /** The syntax tree as kinds of nodes: no names, no texts. */
  function skeleton(text: string): string {
    const file = ts.createSourceFile("x.ts", text, ts.ScriptTarget.ES2023, true);
    expect((file as unknown as { parseDiagnostics: unknown[] }).parseDiagnostics).toEqual([]);
    const kinds = (node: ts.Node): string => {
      // A computed name that is a string literal stands for the literal.
      if (ts.isComputedPropertyName(node) && ts.isStringLiteral(node.expression)) {
        return kinds(node.expression);
      }
      const children: string[] = [];
      node.forEachChild((child) => void children.push(kinds(child)));
      return `${node.kind}${children.length === 0 ? "" : `(${children.join()})`}`;
    };
    return kinds(file);
  }

  const sinks = ["hidden", "out", "feature", "target", "path", "file"] as const;
  const variants = payloads.flatMap((payload): HandStrings[] => [
    ...sinks.map((sink) => ({
      ...benign,
      // A name stays different from the others, as the loader makes sure; a file needs a folder.
      [sink]: sink === "file" ? `/project/${payload.replaceAll("/", "")}.yaml` : payload,
    })),
    { ...benign, classes: [payload, `${payload}2`, `${payload}3`] },
    {
      hidden: `${payload}1`,
      out: `${payload}2`,
      feature: `${payload}3`,
      target: `${payload}4`,
      classes: [`${payload}a`, `${payload}b`, `${payload}c`],
      path: payload,
      file: "/project/spec.yaml",
    },
  ]);

  /** Only writes the source: compiling takes most of the time. */
  const printer: Emitter = {
    compile: (_, source) => {
      const map = '{ "version": 3, "sources": [], "names": [], "mappings": "" }';
      return { source, javascript: "", javascriptMap: map, declarations: "", declarationsMap: map };
    },
  };

  async function expectSameSkeleton(emitter: Emitter, all: readonly HandStrings[]): Promise<void> {
    const plain = await emitPackage(handModel(), { emitter });
    const sources = [...plain.files.keys()].filter((path) => /\.(?:js|ts)$/.test(path));
    const expected = new Map(
      sources.map((path) => [path, skeleton(plain.files.get(path) as string)]),
    );
    for (const strings of all) {
      const { files } = await emitPackage(handModel(strings), { emitter });
      expect([...files.keys()]).toEqual([...plain.files.keys()]);
      for (const path of sources) {
        const text = files.get(path) as string;
        if (skeleton(text) !== expected.get(path)) {
          expect.fail(`${path} has another structure for ${JSON.stringify(strings)}`);
        }
        expect(text).not.toMatch(/[\p{Zl}\p{Zp}\p{Cs}\p{Cf}]|[^\P{Cc}\n]/u);
        const code = text.replace(/\/\*\*[\s\S]*?\*\/|\/\* @vite-ignore \*\//g, "");
        expect(code).not.toMatch(/\*\/|`|\$\{|<\/script|<!--/i);
      }
    }
  }

  it("change nothing but names and literals in the source", async () => {
    await expectSameSkeleton(printer, variants);
  });

  it("change nothing but names and literals in what is compiled", async () => {
    await expectSameSkeleton(
      emitter,
      variants.filter(({ hidden, out }) => hidden !== "dense_1" && out !== "dense_2"),
    );
  });

  it("change nothing but names and literals when they are drawn at random", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(...payloads)).map((parts) => parts.join("")),
    );
    const distinct = fc.uniqueArray(text, { minLength: 4, maxLength: 4 });
    const classes = fc.tuple(text, text, text);
    await fc.assert(
      fc.asyncProperty(distinct, classes, text, async (names, classes, path) => {
        const [hidden = "", out = "", feature = "", target = ""] = names;
        // Names are not empty; those that look like array indices change the order of properties.
        fc.pre(names.every((name) => !/^\d*$/.test(name)));
        const strings = { hidden, out, feature, target, classes, path, file: benign.file };
        await expectSameSkeleton(printer, [strings]);
      }),
    );
  });

  it("reach the program unchanged", async () => {
    const strings: HandStrings = {
      hidden: '"\\\u2028${x}',
      out: "*/`",
      feature: "__proto__",
      target: "</script>",
      classes: ["\u0000", "'", "constructor"],
      path: "\ud800",
      file: "/project/spec.yaml",
    };
    const workspace = createWorkspace();
    const model = handModel(strings);
    workspace.add(await emitPackage(model, { emitter }));
    const spec = await workspace.load("generated/hand/spec.js");
    expect(spec.data).toEqual(model.spec.data);
    expect(spec.heads).toEqual(model.heads);
    expect(spec.state).toEqual(model.state);
    const program = await loadProgram(workspace, "hand", "train");
    expect([...program.updates].sort()).toEqual(Object.keys(model.state).sort());
  });

  it("can be type-checked, whatever they are", async () => {
    const workspace = createWorkspace();
    let count = 0;
    for (const strings of variants.filter((_, i) => i % 31 === 0)) {
      const emitted = await emitPackage(handModel(strings), { emitter });
      workspace.add({ ...emitted, name: `hand${count++}` });
    }
    expect(await workspace.typeErrors()).toEqual([]);
  });
});
