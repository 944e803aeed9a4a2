/** @file Reads `train.precision`. */
import { mixedPrecisions, type TrainSpec } from "@dlc/runtime";
import type { FieldValues } from "../../layers/fields.js";
import type { Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import type { PrecisionUse, TrainUse } from "../resolved-spec.js";
import type { Shape } from "../schema/shape.js";
import { precisionShape } from "../schema/train.js";
import type { YamlNode } from "../yaml/tree.js";

/** For the settings and for the compiler; neither says anything of float32. */
export interface ReadPrecision {
  readonly setting: Pick<TrainSpec, "precision">;
  readonly use: Pick<TrainUse, "precision">;
}

const float32: ReadPrecision = { setting: {}, use: {} };

/** Null where it is wrong. */
export function readPrecision(
  node: YamlNode | undefined,
  context: LoadContext,
): ReadPrecision | null {
  if (node === undefined) {
    context.recordDefault("train.precision", "float32");
    return float32;
  }
  const span = headOf(node.span, context.sources);
  const owner: Owner = { title: "precision", span, path: "train.precision" };
  const checked = readBody(node, precisionShape as unknown as Shape, owner, context);
  if (!checked?.ok) return null;
  const values = checked.values as FieldValues<typeof precisionShape.fields>;
  const { compute } = values;
  if (compute !== "mixed_float16") {
    for (const setting of ["loss_scale", "growth_steps"]) {
      const given = checked.nodes.get(setting);
      if (given === undefined) continue;
      const reason = `the gradients of ${compute} need no scaling`;
      const place = headOf(given.span, context.sources);
      context.diagnostics.report("setting-without-effect", place, { setting, reason });
    }
  }
  if (compute === "float32") return float32;
  const scaling: PrecisionUse["scaling"] =
    compute === "mixed_float16"
      ? { scale: values.loss_scale, growthSteps: values.growth_steps }
      : null;
  return {
    setting: { precision: compute },
    use: { precision: { half: mixedPrecisions[compute], scaling, span } },
  };
}
