import { it } from "vitest";
import { lowerModel } from "../../compiler/2-lower/lower-model.js";
import { trainingPrograms } from "../../compiler/3-differentiate/training-step.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { optimize, optimizeForward, planLifetimes } from "../../compiler/4-optimize/index.js";
import { printGraph } from "../../compiler/ir/print.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import { specOf, image, category, classNames } from "../support/spec.js";
const nets: Record<string, [any, string]> = {
  mnist: [image(28,28,1), `[{conv2d: {filters: 32, kernel: 3, activation: relu}}, {max_pool2d: 2}, {conv2d: {filters: 64, kernel: 3, activation: relu}}, {max_pool2d: 2}, flatten, {dropout: 0.5}, {dense: 10}]`],
  cifar: [image(32,32,3), `[{conv2d: {filters: 32, kernel: 3, activation: relu}}, {max_pool2d: 2}, {conv2d: {filters: 64, kernel: 3, activation: relu}}, {max_pool2d: 2}, {conv2d: {filters: 64, kernel: 3, activation: relu}}, flatten, {dense: {units: 64, activation: relu}}, {dense: 10}]`],
  bn: [image(16,16,3), `[{conv2d: {filters: 8, kernel: 3, padding: same, bias: false}}, batch_norm, relu, {dropout: 0.2, as: skip}, {conv2d: {filters: 8, kernel: 3, padding: same}}, {batch_norm: {}, as: b2}, {add: [b2, skip]}, relu, global_avg_pool2d, {dense: 10}]`],
};
for (const [name, [feature, layers]] of Object.entries(nets)) it(name, () => {
  const classes = classNames(10);
  const spec = specOf({ features: { image: feature }, targets: { digit: category(classes) }, layers, train: { optimizer: { kind: "adam" } } });
  const d = new Diagnostics();
  const lowered = lowerModel(spec, { classes: { digit: classes }, scales: {}, classCounts: {} } as any, d);
  if (!lowered) { console.log(JSON.stringify(d.all)); return; }
  const f = optimizeForward(lowered);
  const p = trainingPrograms(f, spec.train!, d)!;
  const before = printGraph(p.train);
  if (name === process.env.SHOW) console.log(before);
  const t0 = performance.now();
  const g = optimize(p.train, { mode: "training", layout: "NCHW", lacking: [], onPass: (n, g, ms, c) => { console.log(n, ms.toFixed(1), nodesOf(g).length, JSON.stringify(c)); if (n === process.env.AFTER) console.log(printGraph(g)); } });
  const text = printGraph(g);
  console.log(name, "transposes", nodesOf(g).filter(n => n.kind === "transpose").length, nodesOf(p.train).length, nodesOf(g).length, performance.now() - t0);
  console.log(text);
  console.log("roundtrip", printGraph(parseGraph(text)) === text);
  console.log("peak MB", planLifetimes(g).peakBytes(64) / 1e6);
  const inf = optimize(p.infer, { mode: "inference", layout: "NCHW", lacking: [] });
  console.log(printGraph(inf));
});
