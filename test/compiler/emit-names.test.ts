/** @file Identifiers and literals of generated code: whatever the text, the code stays what dlc meant. */
import fc from "fast-check";
import { ts } from "ts-morph";
import { expect, it } from "vitest";
import {
  type Printable,
  print,
  propertyName,
  stringLiteral,
} from "../../compiler/5-emit/literal.js";
import { NameScope } from "../../compiler/5-emit/name-scope.js";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  // Lone surrogates and everything else that is not text.
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

const dangerous = [
  "*/",
  "`",
  "${",
  "</script",
  "<!--",
  "\u2028",
  "\u2029",
  "\u001b",
  "\u202e",
  "//",
];

/** The value of a source text made of literals only. */
function evaluated(text: string): unknown {
  const file = ts.createSourceFile("x.ts", `(${text})`, ts.ScriptTarget.ES2023, true);
  expect((file as unknown as { parseDiagnostics: unknown[] }).parseDiagnostics).toEqual([]);
  expect(file.statements).toHaveLength(1);
  const read = (node: ts.Node): unknown => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
    if (ts.isNumericLiteral(node)) return Number(node.text);
    if (ts.isPrefixUnaryExpression(node)) return -(read(node.operand) as number);
    if (ts.isArrayLiteralExpression(node)) return node.elements.map(read);
    if (ts.isObjectLiteralExpression(node)) {
      return Object.fromEntries(
        node.properties.map((property) => {
          if (!ts.isPropertyAssignment(property)) throw new Error("not a plain property");
          const { name } = property;
          const key = ts.isComputedPropertyName(name) ? name.expression : name;
          return [read(key), read(property.initializer)];
        }),
      );
    }
    if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
    if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
    if (node.kind === ts.SyntaxKind.NullKeyword) return null;
    if (ts.isPropertyAccessExpression(node)) {
      return Number[node.name.text as "NaN" | "POSITIVE_INFINITY" | "NEGATIVE_INFINITY"];
    }
    throw new Error(`unexpected ${ts.SyntaxKind[node.kind]}`);
  };
  const [statement] = file.statements;
  return read(
    ((statement as ts.ExpressionStatement).expression as ts.ParenthesizedExpression).expression,
  );
}

it("gives every text back as a string literal means it", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(evaluated(stringLiteral(text))).toBe(text);
    }),
  );
});

it("leaves nothing in a literal that ends a comment, a template, a script or a line", () => {
  const bad = fc
    .array(fc.oneof(fc.constantFrom(...dangerous), anyText))
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(bad, (text) => {
      const literal = stringLiteral(text);
      for (const part of dangerous) expect(literal).not.toContain(part);
      expect(literal).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }),
  );
});

it("keeps letters of all languages readable", () => {
  expect(stringLiteral("Straße 猫 é")).toBe('"Straße 猫 é"');
});

it("never sets a prototype by a property name", () => {
  expect(propertyName("__proto__")).toBe('["__proto__"]');
});

it("prints data that reads back the same, within the width where it can", () => {
  const data = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      anyText,
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value")),
      fc.dictionary(anyText, tie("value")),
    ),
  })).value as fc.Arbitrary<Printable>;
  fc.assert(
    fc.property(data, (value) => {
      const text = print(value);
      // Object.fromEntries makes own properties, dictionaries of fast-check may lack a prototype.
      expect(JSON.stringify(evaluated(text))).toBe(JSON.stringify(value));
    }),
  );
  const long = print({ list: Array.from({ length: 200 }, (_, i) => i), text: "x" });
  for (const line of long.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
});

it("makes an identifier of any text, a different one each time", () => {
  fc.assert(
    fc.property(fc.array(anyText), (texts) => {
      const scope = NameScope.create();
      const names = texts.map((text) => scope.unique(text));
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) {
        expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
        const scanner = ts.createScanner(ts.ScriptTarget.ES2023, true, undefined, name);
        expect(scanner.scan()).toBe(ts.SyntaxKind.Identifier);
      }
    }),
  );
});

it("keeps names apart that differ only in what identifiers cannot hold", () => {
  const scope = NameScope.create();
  expect(["a.b", "a/b", "a_b", "a_b_2", "a-b"].map((text) => scope.unique(text))).toEqual([
    "a_b",
    "a_b_2",
    "a_b_3",
    "a_b_2_2",
    "a_b_4",
  ]);
});

it("takes the first free one of several wanted names", () => {
  const scope = NameScope.create(["digit"]);
  expect(scope.unique("digit", "digit_output")).toBe("digit_output");
  expect(scope.unique("digit", "digit_output")).toBe("digit_output_2");
});

it("shadows no name of an outer scope, and leaves inner names free outside", () => {
  const outer = NameScope.create(["train"]);
  const inner = outer.child(["o"]);
  expect(inner.unique("train")).toBe("train_2");
  expect(inner.unique("o")).toBe("o_2");
  expect(inner.unique("x")).toBe("x");
  expect(outer.unique("x")).toBe("x");
});

it.each(["class", "await", "undefined", "eval", "constructor", "arguments"])(
  "does not name a value %s",
  (word) => {
    expect(NameScope.create().unique(word)).toBe(`${word}_2`);
  },
);

it("transliterates accents and names the rest after nothing", () => {
  const scope = NameScope.create();
  expect(scope.unique("Größe é")).toBe("Gro_e_e");
  expect(scope.unique("猫")).toBe("value");
  expect(scope.unique("3x3")).toBe("_3x3");
  expect(scope.uniqueType("house number", "Label")).toBe("HouseNumberLabel");
});
