import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExpressionError, evaluateExpression } from "../../compiler/1-load/expression.js";

const params: Readonly<Record<string, number | string | boolean>> = {
  width: 64,
  half: 0.5,
  how: "relu",
  flag: true,
  "with-hyphen": 3,
};
const lookup = (name: string): number | string | boolean | undefined =>
  Object.hasOwn(params, name) ? params[name] : undefined;
const evaluate = (text: string): unknown => evaluateExpression(text, lookup);

it("computes as JavaScript does", () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.constantFrom(0.5, 1e-4, 2.25));
  const { sum } = fc.letrec<{ sum: string; factor: string }>((tie) => ({
    factor: fc.oneof(
      { maxDepth: 4 },
      number.map(String),
      fc.constantFrom("width", "half"),
      tie("sum").map((inner) => `(${inner})`),
      tie("factor").map((inner) => `- ${inner}`),
    ),
    sum: fc
      .tuple(
        tie("factor"),
        fc.constantFrom("+", "-", "*", "/"),
        fc.constantFrom("", " "),
        tie("factor"),
      )
      .map(([a, sign, space, b]) => `${a}${space}${sign} ${b}`),
  }));
  fc.assert(
    fc.property(sum, (text) => {
      const code = text.replaceAll("width", "64").replaceAll("half", "0.5");
      // biome-ignore lint/security/noGlobalEval: the oracle; the text is made of numbers and signs
      const expected = eval(code) as number;
      if (/\/ 0(?![.\d])|\/ \(/.test(code) || !Number.isFinite(expected)) return;
      expect(evaluate(text)).toBe(expected);
    }),
    { seed: 1 },
  );
});

it("hands on a lone parameter as it is", () => {
  expect(evaluate("how")).toBe("relu");
  expect(evaluate(" flag ")).toBe(true);
  expect(evaluate("with-hyphen")).toBe(3);
  expect(evaluate("width")).toBe(64);
});

it("takes a sum of many terms", () => {
  expect(evaluate(Array(80).fill("-1").join(" + "))).toBe(-80);
});

describe("refuses", () => {
  const cases: readonly [string, string, ExpressionError["kind"], string][] = [
    ["nothing", "", "syntax", ""],
    ["an open bracket", "(width", "syntax", ""],
    ["a bracket too many", "width)", "syntax", ")"],
    ["two values", "width half", "syntax", "half"],
    ["a function", "min(width)", "unknown-param", "min"],
    ["a property", "width.constructor", "syntax", "."],
    ["an index", "width[0]", "syntax", "["],
    ["a power", "width ** 2", "syntax", "*"],
    ["a comparison", "width > 2", "syntax", ">"],
    ["a text in quotes", "'a'", "syntax", "'"],
    ["an assignment", "width = 2", "syntax", "="],
    ["an unknown parameter", "1 + widht", "unknown-param", "widht"],
    ["a property of objects", "constructor", "unknown-param", "constructor"],
    ["a text in arithmetic", "2 * how", "not-a-number", "how"],
    ["a division by zero", "1 / (half - 0.5)", "no-result", "("],
    ["an overflow", "1e300 * 1e300", "no-result", "1e300 * 1e300"],
    ["endless nesting", "(".repeat(400), "syntax", "("],
    ["endless text", "1+".repeat(400), "syntax", "1"],
  ];
  for (const [name, text, kind, place] of cases) {
    it(name, () => {
      try {
        expect(evaluate(text)).toBe("a refusal");
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        expect(error.kind).toBe(kind);
        expect(text.slice(error.start, error.end)).toBe(place);
      }
    });
  }
});
