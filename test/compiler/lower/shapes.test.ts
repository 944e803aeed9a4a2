/** @file Rejected layers: what is said, where, and with which trail of shapes. */
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../../compiler/diagnostics/diagnostic.js";
import { complaints } from "../../support/lowering.js";
import { category, type Features, image, numeric, specOf, vector } from "../../support/spec.js";

const of = (layers: string, features: Features = { photo: image(8, 8, 3) }) =>
  ({ layers, found: complaints(specOf({ features, layers })) }) as const;

/** The text that a diagnostic marks. */
const marked = (layers: string, { span }: Diagnostic): string =>
  layers.slice(span?.start ?? 0, span?.end ?? 0);

/** Exactly one diagnostic, and where it points. */
function single(layers: string, features?: Features) {
  const { found } = of(layers, features);
  expect(found.map(({ code }) => code)).toEqual(["shape-mismatch"]);
  const [only] = found as [Diagnostic];
  return { message: only.message, at: marked(layers, only), notes: only.notes, only };
}

describe("a rejected layer", () => {
  it("is told in the layer's terms, at its key", () => {
    const { message, at } = single("- flatten\n- conv2d: 32");
    expect(message).toBe(
      "conv2d_1: needs images [n,height,width,channels], but its input is [n,192]",
    );
    expect(at).toBe("conv2d");
  });

  it("is told with the shapes of its ancestors, from the feature down", () => {
    const layers = `
- conv2d: { filters: 4, kernel: 3 }
- { max_pool2d: 2, as: small }
- { flatten: {}, as: side, from: conv2d_1 }
- { conv2d: { filters: 4, kernel: 5 }, from: small }`;
    const { message, notes } = single(layers);
    expect(message).toBe("conv2d_2: kernel 5×5 does not fit an input of 3×3");
    expect(notes.map((note) => note.message)).toEqual([
      "photo (image)  [n,8,8,3]",
      "conv2d_1  [n,6,6,4]",
      "small (max_pool2d)  [n,3,3,4]",
    ]);
    expect(layers.slice(notes[2]?.span?.start, notes[2]?.span?.end)).toContain("max_pool2d: 2");
  });

  it("is called by the user's name", () => {
    const { message } = single("- flatten\n- { conv2d: 32, as: eyes }");
    expect(message).toMatch(/^conv2d 'eyes': /);
  });

  it("is marked at the field at fault", () => {
    const { at, message } = single("- flatten\n- reshape: [10, 10]");
    expect(at).toBe("[10, 10]");
    expect(message).toBe("reshape_1: cannot arrange 192 numbers as 10×10 = 100");
    expect(single("- conv2d: { filters: 4, groups: 2 }").at).toBe("2");
    expect(single("- group_norm: 5").at).toBe("5");
    expect(single("- max_pool2d: { size: 2, padding: 2 }").at).toBe("2");
  });

  it("names the inputs that do not agree", () => {
    const two = "- { conv2d: 4, as: a }\n- { conv2d: 5, as: b, from: photo }\n";
    expect(single(`${two}- add: [a, b]`).message).toBe(
      "add_1: needs inputs of equal shape, but 'a' is [n,6,6,4] and 'b' is [n,6,6,5]",
    );
    expect(single(`${two}- { concat: { axis: 1 }, from: [a, b] }`).message).toBe(
      "concat_1: needs inputs that differ only along axis 1, but 'a' is [n,6,6,4] and 'b' is [n,6,6,5]",
    );
    expect(of(`${two}- concat: [a, b]`).found).toEqual([]);
  });

  it("does not take the layers that read from it along", () => {
    const { found } = of(`
- { flatten: {}, as: flat }
- { conv2d: 3, from: flat }
- relu
- dense: 3
- { max_pool2d: 2, from: flat }`);
    expect(found.map(({ message }) => message.split(":")[0])).toEqual(["conv2d_1", "max_pool2d_1"]);
  });

  it("has a trail of readable length after many layers", () => {
    const steps = Array.from({ length: 40 }, () => "- relu\n- conv2d: { filters: 2 }");
    const { notes } = single(`${steps.join("\n")}\n- conv1d: 3`, { photo: image(99, 99, 1) });
    expect(notes.length).toBe(13);
    expect(notes[0]?.message).toBe("photo (image)  [n,99,99,1]");
    expect(notes[2]?.message).toBe("… 29 more layers …");
    expect(notes.at(-1)?.message).toBe("conv2d_40  [n,19,19,2]");
  });
});

describe("inputs", () => {
  it("are the only feature, or all lists of numbers side by side", () => {
    const features = {
      a: numeric(),
      b: category(["x", "y", "z"]),
      c: vector(4),
      d: image(2, 2, 1),
    };
    const { message } = single("- reshape: [7]", features);
    expect(message).toContain("cannot arrange 8 numbers");
  });

  it("must be named where no feature is a list of numbers", () => {
    const { found } = of("- conv2d: 3", { a: image(8, 8, 1), b: image(8, 8, 1) });
    expect(found.map(({ code }) => code)).toEqual(["no-default-input"]);
    expect(found[0]?.message).toContain("(a, b)");
  });

  it("given as an index reach embeddings only", () => {
    const features = { word: category(["x", "y"], "index") };
    expect(single("- dense: 3", features).only.help).toContain("Put an embedding before it");
    expect(of("- embedding: 3\n- dense: 3", features).found).toEqual([]);
    const few = single("- embedding: { size: 3, vocabulary: 1 }", features);
    expect(few.message).toContain("has a vocabulary of 1, but its input has 2 classes");
    expect(single("- embedding: 3", { v: vector(2) }).message).toContain("needs a vocabulary");
  });
});
