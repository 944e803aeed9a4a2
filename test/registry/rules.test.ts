import { describe, expect, it } from "vitest";
import { allPasses } from "../../compiler/4-optimize/index.js";
import { rewrite } from "../../compiler/4-optimize/rewrite.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import { printGraph } from "../../compiler/ir/print.js";
import { verifyGraph } from "../../compiler/ir/verify.js";
import { expectSameResults, normal, randomValues } from "../support/graphs.js";

const batch = 3;
const context = { mode: "training", layout: "NHWC", lacking: [] } as const;

it("passes and rules have names of their own", () => {
  const names = allPasses.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  const rules = allPasses.flatMap((pass) => pass.rules.map((rule) => rule.name));
  expect(new Set(rules).size).toBe(rules.length);
});

for (const pass of allPasses) {
  for (const rule of pass.rules) {
    describe(`${pass.name}: ${rule.name}`, () => {
      it("turns the example's before into its after", () => {
        const before = parseGraph(rule.before);
        verifyGraph(before);
        const { graph, counts } = rewrite(before, [rule]);
        verifyGraph(graph);
        expect(printGraph(graph)).toBe(normal(rule.after));
        expect(counts[rule.name]).toBeGreaterThan(0);
      });

      it("keeps the example's results", () => {
        const before = parseGraph(rule.before);
        expectSameResults(parseGraph(rule.after), before, randomValues(before, batch), batch);
      });

      it("has nothing left to do the second time", () => {
        const once = pass.run(parseGraph(rule.before), context).graph;
        expect(printGraph(pass.run(once, context).graph)).toBe(printGraph(once));
      });
    });
  }
}
