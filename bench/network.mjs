/**
 * @file The network that every peer trains: that of models/cifar10-cnn, the classic Keras tutorial
 * network, with Adam and cross-entropy, on the same random images.
 */

export const weights = {
  w1: [32, 3, 3, 3],
  b1: [32],
  w2: [64, 32, 3, 3],
  b2: [64],
  w3: [64, 64, 3, 3],
  b3: [64],
  w4: [1024, 64],
  b4: [64],
  w5: [64, 10],
  b5: [10],
};
export const names = Object.keys(weights);
export const adam = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

export const sizeOf = (shape) => shape.reduce((product, n) => product * n, 1);

/** A small generator with a seed (mulberry32), so that all peers start from the same weights. */
export function generator(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = s;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** First values of the weights: uniform, scaled by the number of inputs; biases zero. */
export function initialWeights() {
  const random = generator(1);
  return Object.fromEntries(
    names.map((name) => {
      const shape = weights[name];
      const fan = name === "w4" || name === "w5" ? shape[0] : sizeOf(shape.slice(1));
      const value = () => (name.startsWith("b") ? 0 : ((random() - 0.5) * 2) / Math.sqrt(fan));
      return [name, Float32Array.from({ length: sizeOf(shape) }, value)];
    }),
  );
}

/** One batch: bytes of images [batch, 32, 32, 3], and classes. */
export function makeBatch(batch) {
  const random = generator(2);
  return {
    images: Uint8Array.from({ length: batch * 32 * 32 * 3 }, () => random() * 256),
    labels: Int32Array.from({ length: batch }, () => random() * 10),
  };
}

/** The batch as peers without a data pipeline take it: f32 NCHW in 0 … 1, and one-hot rows. */
export function plainBatch(batch) {
  const { images, labels } = makeBatch(batch);
  const x = new Float32Array(images.length);
  for (let n = 0; n < batch; n++) {
    for (let pixel = 0; pixel < 1024; pixel++) {
      for (let c = 0; c < 3; c++) {
        x[(n * 3 + c) * 1024 + pixel] = images[(n * 1024 + pixel) * 3 + c] / 255;
      }
    }
  }
  const y = new Float32Array(batch * 10);
  labels.forEach((label, n) => {
    y[n * 10 + label] = 1;
  });
  return { x, y };
}
