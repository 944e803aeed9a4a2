import { describe, expect, it } from "vitest";
import { parseYaml } from "../../compiler/1-load/yaml/compose.js";
import { limits } from "../../compiler/1-load/yaml/limits.js";
import {
  locate,
  nodeAt,
  type Path,
  plainValue,
  type YamlNode,
} from "../../compiler/1-load/yaml/tree.js";
import { renderText } from "../../compiler/diagnostics/render.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { codesOf, loadText, specWith } from "../support/load.js";

function parsed(text: string): YamlNode {
  const diagnostics = new Diagnostics();
  const root = parseYaml(text, "spec.yaml", diagnostics);
  if (root === null) throw new Error(diagnostics.all.map((d) => d.message).join("\n"));
  return root;
}

const json = (text: string): unknown => JSON.parse(JSON.stringify(plainValue(parsed(text))));

describe("values", () => {
  it("reads numbers as people write them", () => {
    const text = "[1, -2, +3, 0, 1.5, .5, 2., 1e-4, 1E3, -1.5e+2, 0x1f, 0o17]";
    expect(json(text)).toEqual([1, -2, 3, 0, 1.5, 0.5, 2, 1e-4, 1000, -150, 31, 15]);
  });

  it("keeps what only looks like a number as text", () => {
    const words = ["1_000", "012", "1.2.3", "1e", "0b1", "12:30", "2024-01-01", "1,5", "00.5"];
    expect(json(words.map((word) => `- ${word}`).join("\n"))).toEqual(words);
  });

  it("reads true, false and null, but no yes and no", () => {
    expect(json("[true, False, null, ~, yes, no, on, off, y, n]")).toEqual([
      true,
      false,
      null,
      null,
      "yes",
      "no",
      "on",
      "off",
      "y",
      "n",
    ]);
  });

  it("keeps what stands in quotes as text", () => {
    expect(json(`["1", 'true', "null", "a\\tb", 'it''s']`)).toEqual([
      "1",
      "true",
      "null",
      "a\tb",
      "it's",
    ]);
  });

  it("takes every key as text", () => {
    expect(json("{ 1: a, true: b, null: c, 1.0: d }")).toEqual({
      "1": "a",
      true: "b",
      null: "c",
      "1.0": "d",
    });
  });

  it("follows aliases", () => {
    expect(json("a: &x { b: [1, 2] }\nc: *x\nd: [*x]")).toEqual({
      a: { b: [1, 2] },
      c: { b: [1, 2] },
      d: [{ b: [1, 2] }],
    });
  });

  it("gives maps no prototype", () => {
    expect(Object.getPrototypeOf(plainValue(parsed("toString: 1")))).toBeNull();
  });
});

describe("places", () => {
  const lines = [
    "# ü𝄞 comment",
    "name: Größe 𝄞  # after",
    "'quoted key': \"double \\u0041\"",
    "list:",
    "- one",
    "-   two: 2",
    "    three: [3, { four: 4 } ]",
    "block: |",
    "  first",
    "  second",
    "",
    "empty:",
    "plain: several",
    "  lines",
    "last: end",
  ];
  const cases: readonly [Path, string | null, string][] = [
    [["name"], "name", "Größe 𝄞"],
    [["quoted key"], "'quoted key'", '"double \\u0041"'],
    [["list", 0], null, "one"],
    [["list", 1, "two"], "two", "2"],
    [["list", 1, "three"], "three", "[3, { four: 4 } ]"],
    [["list", 1, "three", 1, "four"], "four", "4"],
    [["plain"], "plain", "several\n  lines"],
    [["last"], "last", "end"],
  ];

  for (const [name, newline] of [
    ["\\n", "\n"],
    ["\\r\\n", "\r\n"],
  ] as const) {
    it(`are exact with ${name} as line break`, () => {
      const text = lines.join(newline);
      const root = parsed(text);
      for (const [path, key, value] of cases) {
        const valueSpan = locate(root, path, "value");
        expect(text.slice(valueSpan.start, valueSpan.end)).toBe(value.replaceAll("\n", newline));
        if (key === null) continue;
        const keySpan = locate(root, path, "key");
        expect(text.slice(keySpan.start, keySpan.end)).toBe(key);
      }
    });
  }

  it("of an empty value are those of its key", () => {
    const root = parsed(lines.join("\n"));
    expect(nodeAt(root, ["empty"])).toMatchObject({ kind: "scalar", value: null });
    expect(locate(root, ["empty"], "value")).toEqual(locate(root, ["empty"], "key"));
  });

  it("of what is not there are those of the deepest part that is", () => {
    const root = parsed(lines.join("\n"));
    expect(locate(root, ["name", "none"], "value")).toEqual(locate(root, ["name"], "value"));
  });

  it("end with the value, not with the comments after it", () => {
    const text = "a:\n  b: 1 # one\n  c: 2\n\n# about d\nd: 3\n";
    const span = locate(parsed(text), ["a"], "value");
    expect(text.slice(span.start, span.end)).toBe("b: 1 # one\n  c: 2");
  });
});

describe("encodings", () => {
  it("skips a byte order mark", () => {
    const bytes = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(specWith())]);
    expect(codesOf(loadText(bytes))).toEqual([]);
  });

  it("refuses UTF-16", () => {
    const plain = Buffer.from(specWith(), "utf16le");
    const marked = Buffer.concat([Buffer.from([0xff, 0xfe]), plain]);
    for (const bytes of [
      marked,
      Buffer.from(marked).swap16(),
      plain,
      Buffer.from(plain).swap16(),
    ]) {
      const { diagnostics, sources } = loadText(bytes);
      const [found] = diagnostics.all;
      expect(found).toMatchObject({
        code: "spec-not-utf8",
        message: "the file is in UTF-16, not in UTF-8",
        help: expect.stringContaining("UTF-8"),
      });
      // The frame shows the text, not its bytes.
      expect(renderText(diagnostics.all, sources)).toContain("1 | dlc: 1\n");
    }
  });

  it("accepts a real replacement character", () => {
    expect(codesOf(loadText(specWith({ more: "description: \ufffd" })))).toEqual([]);
  });
});

/** A thousand million times x, in a kilobyte. */
function aliasBomb(): string {
  const lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 10; i++) {
    const [before, name] = [i - 1, i].map((n) => String.fromCharCode(97 + n));
    lines.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(",")}]`);
  }
  return lines.join("\n");
}

const many = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("");
const mebibyte = 1 << 20;

describe("hostile documents", () => {
  const cases: Readonly<Record<string, readonly [text: string, code: string]>> = {
    "an alias bomb": [aliasBomb(), "file-too-large"],
    "an alias inside of what it names": ["&a [*a]", "yaml-alias"],
    "open brackets": ["[".repeat(100_000), "too-deep"],
    "balanced brackets": ["[".repeat(20_000) + "]".repeat(20_000), "too-deep"],
    "open braces with keys": ["{a: ".repeat(20_000), "too-deep"],
    "nested explicit keys": ["? ".repeat(5000), "too-deep"],
    "nested dashes": [`${"- ".repeat(20_000)}x`, "too-deep"],
    "indented keys": [many(1400, (i) => `${" ".repeat(i)}a:\n`), "too-deep"],
    "indented dashes": [many(900, (i) => `${" ".repeat(i)}-\n`), "too-deep"],
    "lists at the column of their keys": [
      many(100, (i) => `${" ".repeat(2 * i)}a:\n${" ".repeat(2 * i)}- b:\n`),
      "too-deep",
    ],
    "colons on one line": ["a: ".repeat(300_000), "too-deep"],
    "colons in braces": [`{${"a:\n ".repeat(200_000)}}`, "too-deep"],
    "many keys": [many(40_000, (i) => `k${i}: ${i}\n`), "file-too-large"],
    "many items": [`[${"a,".repeat(60_000)}]`, "file-too-large"],
    "many empty entries": [`[${",".repeat(100_000)}]`, "yaml-syntax"],
    "many comments": ["#a\n".repeat(300_000), "file-too-large"],
    "many documents": ["---\na\n".repeat(5000), "yaml-syntax"],
    "many aliases": [`a: &a x\nb: [${"*a,".repeat(200)}]`, "file-too-large"],
    "large aliases": [`a: &a [${"x,".repeat(600)}]\nb: [${"*a,".repeat(90)}]`, "file-too-large"],
    "many bytes": [`# ${"a".repeat(mebibyte)}`, "file-too-large"],
    "a mebibyte of spaces": [" ".repeat(mebibyte - 1), "empty-file"],
    "a mebibyte of quotes": [`'${"''".repeat(mebibyte / 2 - 1)}'`, "wrong-type"],
    "a mebibyte of dashes": ["-".repeat(mebibyte - 1), "wrong-type"],
    "a mebibyte of one text": [`"${"\\u0041".repeat(170_000)}"`, "wrong-type"],
    "a text over many lines": [`"${"b \n".repeat(300_000)}`, "yaml-syntax"],
    "a tag that names code": ['a: !!js/function "x"', "yaml-tag"],
    "a key into prototypes": ["__proto__: { polluted: true }", "yaml-key"],
    "a key into constructors": ["{ constructor: { prototype: {} } }", "yaml-key"],
    "a merge key": ["a: &a { b: 1 }\nc: { <<: *a }", "yaml-key"],
    "a map as key": ["{ { a: 1 }: 2 }", "yaml-key"],
    "an endless number": [`a: ${"9".repeat(400)}`, "number-not-exact"],
  };

  for (const [name, [text, code]] of Object.entries(cases)) {
    it(`${name} end in ${code}`, () => {
      // Twice: the YAML library has aborted the process on the second deep document (yaml 2.9.1).
      for (let round = 0; round < 2; round++) {
        const { diagnostics, spec } = loadText(text);
        expect(spec).toBeNull();
        expect(diagnostics.all[0]?.code).toBe(code);
        expect(diagnostics.all[0]?.span?.file).toBe("/project/spec.yaml");
      }
    });
  }

  it("leave no trace on the prototype of objects", () => {
    loadText("__proto__: { polluted: true }");
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("are reported in at most a few hundred messages", () => {
    const text = many(8000, () => "    - unknown\n");
    const { diagnostics } = loadText(specWith({ model: `model:\n  layers:\n${text}` }));
    expect(diagnostics.hasErrors).toBe(true);
    expect(diagnostics.all.length).toBeLessThanOrEqual(200);
  });

  it("cannot multiply blocks beyond bounds", () => {
    const blocks = many(
      50,
      (i) =>
        `  b${i}: { layers: [repeat: { block: b${i + 1}, times: 9999 }, repeat: { block: b${i + 1}, times: 9999 }] }\n`,
    );
    const more = `blocks:\n${blocks}  b50: { layers: [relu] }`;
    const result = loadText(specWith({ more, model: "model: { layers: [block: b0] }" }));
    expect(codesOf(result)).toEqual(["too-many-layers"]);
  });
});

it("accepts a spec of a thousand layers", () => {
  const layer =
    "    - dense: { units: 16, activation: relu, bias: true, kernel_initializer: he_normal }\n";
  const text = specWith({ model: `model:\n  layers:\n${layer.repeat(1000)}    - dense: 2` });
  expect(text.length).toBeLessThan(limits.bytes);
  expect(loadText(text).spec?.layers.length).toBe(1001);
});
