/** @file What a decoder has said so far: the ids of a sequence, one step late. */
import { specialTokens } from "@dlc/runtime";
import { formatShape } from "../../ir/shape.js";
import { shapeOf, type Value } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { scalar } from "../shared.js";

export const previous = defineLayer({
  type: "previous",
  summary:
    "The tokens before each step: a target, a text or a layer that gives ids, moved by one step, with the token for the start in front. In training and evaluation a decoder so reads what it should have said (teacher forcing, Williams & Zipser 1989); when it generates, what it has said.",
  inputs: "one",
  inputByValue: true,
  primary: null,
  fields: {},
  padding: "handles",
  readsTargets: true,
  accepts: ["i32"],
  shapes: "ids [n, steps] → ids [n, steps]",
  example: "previous: translation",

  lower({ b, x, ids: [ids], masks: [mask = null], inputNames: [input], setIds, setMask, reject }) {
    const shape = shapeOf(x);
    const [batch = "n", steps, ...more] = shape;
    if (!ids || typeof steps !== "number" || more.length > 0) {
      const found = `'${input}' is ${formatShape(shape)}`;
      return reject(
        `needs the ids of a sequence [n,steps]: a text, or a layer that gives ids; but ${found}${ids ? "" : " and holds no ids"}`,
      );
    }
    // A text's vocabulary has a token for the start. Other ids get a further one.
    const start = ids.isText ? specialTokens.start : ids.count;
    setIds({ ...ids, count: ids.isText ? ids.count : ids.count + 1 });
    const first = b.constant({ dtype: "i32", shape: [batch, 1], value: start });
    const behind = (front: Value, all: Value): Value => {
      if (steps === 1) return front;
      const earlier = b.slice(all, { axes: [1], starts: [0], ends: [steps - 1] });
      return b.concat([front, earlier], { axis: 1 });
    };
    const shifted = behind(first, x);
    if (ids.isText) {
      const padding = b.constant({ dtype: "i32", shape: [], value: specialTokens.pad });
      setMask(b.greater(shifted, padding));
    } else if (mask !== null) {
      const there = b.constant({ dtype: "f32", shape: [batch, 1], value: 1 });
      setMask(b.greater(behind(there, b.cast(mask, { dtype: "f32" })), scalar(b, 0)));
    }
    return shifted;
  },
});
