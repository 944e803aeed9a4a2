/**
 * @file A small classifier written by hand, with everything that a resumed run must get right:
 * dropout, a running mean, momentum, averages of weights, gathered gradients. Plain JavaScript, so
 * that a child process can train it with the built runtime.
 */

const classes = ["red", "green", "blue"];
const units = 8;
const keep = 0.75;
const shapes = {
  "hidden.kernel": [2, units],
  "hidden.bias": [units],
  "out.kernel": [units, classes.length],
  "out.bias": [classes.length],
};
const weights = Object.keys(shapes);
const layerOf = (name) => name.split(".")[0];
const whole = { transposeA: false, transposeB: false, activation: "none" };
const rows = { axes: [0], keepDims: false };

function stateOf({ accumulate, ema }) {
  const state = {};
  for (const name of weights) {
    const common = { dtype: "f32", shape: shapes[name], layer: layerOf(name) };
    const zeros = { kind: "zeros" };
    const glorot = { kind: "glorot_uniform", fanIn: shapes[name][0], fanOut: shapes[name][1] };
    const init = name.endsWith("bias") ? zeros : glorot;
    state[name] = { ...common, role: "weight", init };
    state[`${name}:velocity`] = { ...common, role: "slot", init: zeros };
    if (ema) {
      state[`${name}:average`] = { ...common, role: "average", init: { kind: "copy", of: name } };
    }
    if (accumulate > 1) {
      state[`${name}:gradient`] = { ...common, role: "accumulator", init: zeros };
    }
  }
  const mean = { dtype: "f32", shape: [units], layer: "hidden", role: "buffer" };
  state["hidden.mean"] = { ...mean, init: { kind: "zeros" } };
  return state;
}

const number = (o, value) => o.constant({ dtype: "f32", shape: [], value });

/** Forward pass; `mask` is null outside training, where the running mean is used. */
function forward(o, { inputs, state, n, scalars }, training, weight) {
  o.scope("hidden");
  const z = o.matmul(inputs.x, weight("hidden.kernel"), { ...whole, bias: weight("hidden.bias") });
  const mean = training ? o.mean(z, rows) : state["hidden.mean"];
  const h = o.relu(o.sub(z, mean));
  o.scope("dropout");
  const noise = training
    ? o.randomUniform(scalars.random_key, { shape: [n, units], site: 0 })
    : null;
  const kept = training ? o.cast(o.less(noise, number(o, keep)), { dtype: "f32" }) : null;
  const mask = training ? o.mul(kept, number(o, 1 / keep)) : null;
  const d = training ? o.mul(h, mask) : h;
  o.scope("out");
  const logits = o.matmul(d, weight("out.kernel"), { ...whole, bias: weight("out.bias") });
  const probabilities = o.softmax(logits, { axis: 1 });
  return { mean, h, mask, d, logits, probabilities };
}

function lossOf(o, logits, y) {
  o.scope("loss");
  const truth = o.oneHot(y, { depth: classes.length, on: 1, off: 0 });
  return { truth, loss: o.mean(o.softmaxCrossEntropy(logits, truth), rows) };
}

function gradients(o, { inputs, state, n }, { h, mask, d, probabilities }, truth) {
  o.scope("out");
  const dLogits = o.mul(o.sub(probabilities, truth), number(o, 1 / n));
  const dOut = o.matmul(d, dLogits, { ...whole, transposeA: true });
  const dd = o.matmul(dLogits, state["out.kernel"], { ...whole, transposeB: true });
  o.scope("hidden");
  const dc = o.reluGrad(o.mul(dd, mask), h);
  const dz = o.sub(dc, o.mean(dc, rows));
  return {
    "hidden.kernel": o.matmul(inputs.x, dz, { ...whole, transposeA: true }),
    "hidden.bias": o.sum(dz, rows),
    "out.kernel": dOut,
    "out.bias": o.sum(dLogits, rows),
  };
}

function update(o, { state, scalars }, gradientOf, ema) {
  o.scope("optimizer");
  const next = {};
  for (const name of weights) {
    const velocity = state[`${name}:velocity`];
    const [p, v] = o.applyMomentum(state[name], velocity, gradientOf(name), scalars.learning_rate, {
      momentum: 0.9,
      nesterov: false,
    });
    next[name] = p;
    next[`${name}:velocity`] = v;
    if (ema) {
      const average = o.mul(state[`${name}:average`], number(o, 0.8));
      next[`${name}:average`] = o.add(average, o.mul(p, number(o, 0.2)));
    }
  }
  return next;
}

const features = {
  x: { dtype: "f32", shape: ["n", 2] },
  y: { dtype: "i32", shape: ["n"] },
};
const head = { dtype: "f32", shape: ["n", classes.length] };
const loss = { dtype: "f32", shape: [] };

function programsOf({ accumulate, ema }, state) {
  const slots = weights.flatMap((name) => [
    name,
    `${name}:velocity`,
    ...(ema ? [`${name}:average`] : []),
  ]);
  const sums = weights.map((name) => `${name}:gradient`);
  const read = (args) => (name) => args.state[ema ? `${name}:average` : name];
  const readNames = [...weights.map((name) => (ema ? `${name}:average` : name)), "hidden.mean"];
  const infer = {
    name: "infer",
    inputs: { x: features.x },
    scalars: {},
    reads: readNames,
    updates: [],
    outputs: { color: head },
    run(o, args) {
      return { outputs: { color: forward(o, args, false, read(args)).probabilities }, state: {} };
    },
  };
  const evaluate = {
    ...infer,
    name: "evaluate",
    inputs: features,
    outputs: { loss, color: head },
    run(o, args) {
      const { logits, probabilities } = forward(o, args, false, read(args));
      const { loss } = lossOf(o, logits, args.inputs.y);
      return { outputs: { loss, color: probabilities }, state: {} };
    },
  };
  const gathers = accumulate > 1;
  const train = {
    name: "train",
    inputs: features,
    scalars: { ...(gathers ? {} : { learning_rate: "f32" }), random_key: "u32" },
    reads: [...(gathers ? [...weights, ...sums] : slots), "hidden.mean"],
    updates: [...(gathers ? sums : slots), "hidden.mean"],
    outputs: { loss, color: head },
    run(o, args) {
      const values = forward(o, args, true, (name) => args.state[name]);
      const { loss, truth } = lossOf(o, values.logits, args.inputs.y);
      const g = gradients(o, args, values, truth);
      const next = gathers
        ? Object.fromEntries(
            weights.map((name) => [
              `${name}:gradient`,
              o.add(args.state[`${name}:gradient`], g[name]),
            ]),
          )
        : update(o, args, (name) => g[name], ema);
      const kept = o.mul(args.state["hidden.mean"], number(o, 0.9));
      next["hidden.mean"] = o.add(kept, o.mul(values.mean, number(o, 0.1)));
      return { outputs: { loss, color: values.probabilities }, state: next };
    },
  };
  const apply = {
    name: "apply",
    inputs: {},
    scalars: { learning_rate: "f32" },
    reads: [...slots, ...sums],
    updates: [...slots, ...sums],
    outputs: {},
    run(o, args) {
      const mean = (name) => o.mul(args.state[`${name}:gradient`], number(o, 1 / accumulate));
      const next = update(o, args, mean, ema);
      for (const name of weights) {
        next[`${name}:gradient`] = o.constant({ dtype: "f32", shape: state[name].shape, value: 0 });
      }
      return { outputs: {}, state: next };
    },
  };
  return gathers ? { infer, evaluate, train, apply } : { infer, evaluate, train };
}

/** The model; `settings` replace its training settings. */
export function tinyModel({ accumulate = 1, ema = false, settings = {} } = {}) {
  const state = stateOf({ accumulate, ema });
  return {
    name: "tiny",
    dlcVersion: "0.0.0",
    specHash: "tiny spec",
    stateHash: `tiny state ${accumulate > 1} ${ema}`,
    data: {
      source: { kind: "arrays" },
      validation: null,
      test: null,
      split: { validation: 0, test: 0, method: "last", by: [], seed: 0 },
      features: { x: { type: "vector", columns: ["x"], shape: [2], scale: "none" } },
      targets: { y: { type: "category", column: "y", classes, encode: "index" } },
    },
    facts: {},
    train: {
      seed: 1,
      batch: 16,
      epochs: 4,
      shuffle: true,
      learningRate: 0.1,
      schedule: { kind: "constant" },
      warmupSteps: 0,
      accumulate,
      metrics: [{ kind: "accuracy" }, { kind: "auc" }],
      monitor: { metric: "loss", mode: "min" },
      earlyStopping: null,
      checkpoint: { everySteps: 0, keep: 1 },
      ...settings,
    },
    state,
    heads: [{ name: "color", target: "y", kind: "category", classes, shape: [classes.length] }],
    programs: programsOf({ accumulate, ema }, state),
  };
}

/** Points around three centres: x [size, 2] and classes y [size]. */
export function tinyPoints(size, seed) {
  // Park & Miller's generator: any numbers will do here.
  let s = seed + 1;
  const random = () => {
    s = (s * 48271) % 2147483647;
    return s / 2147483647;
  };
  for (let i = 0; i < 10; i++) random();
  const x = new Float32Array(2 * size);
  const y = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const k = Math.floor(3 * random());
    const angle = (2 * Math.PI * k) / 3;
    x[2 * i] = Math.cos(angle) + 1.2 * (random() - 0.5);
    x[2 * i + 1] = Math.sin(angle) + 1.2 * (random() - 0.5);
    y[i] = k;
  }
  return { x, y };
}

/** Points as a source of batches; `permute(size, epoch)` orders a shuffled epoch. */
export function tinySource({ x, y }, permute) {
  return {
    size: y.length,
    async *batches({ batch, epoch, from, shuffle }) {
      const order =
        shuffle === null ? Uint32Array.from(y.keys()) : permute(y.length, shuffle + 1000 * epoch);
      for (let index = from; index * batch < y.length; index++) {
        const rows = order.slice(index * batch, (index + 1) * batch);
        const pick = (i, j) => x[2 * i + j];
        const points = Float32Array.from({ length: 2 * rows.length }, (_, i) =>
          pick(rows[i >> 1], i % 2),
        );
        yield {
          inputs: {
            x: { dtype: "f32", shape: [rows.length, 2], data: points },
            y: { dtype: "i32", shape: [rows.length], data: Int32Array.from(rows, (i) => y[i]) },
          },
          rows,
          index,
        };
      }
    },
  };
}
