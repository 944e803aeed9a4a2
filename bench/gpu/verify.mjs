/** @file Are two engines equal? Losses of three steps, and gradients and weights after one, against a reference. */

/** Of losses: relative. Of the rest: relative to the largest number of the tensor. */
export const tolerance = { losses: 1e-4, gradients: 1e-3, weights: 1e-3 };

/**
 * A tensor whose gradients are below this part of the model's largest gradient holds rounding errors only (such as
 * those of biases that a softmax or a normalisation takes away): they are compared on the scale of this part.
 */
const negligible = 1e-3;

const largest = (data) => {
  let result = 0;
  for (const value of data) result = Math.max(result, Math.abs(value));
  return result;
};

/** Largest difference, by `scale`; `skip` leaves elements out. Infinite where a number is not one. */
function deviation(data, reference, scale, skip = () => false) {
  if (data === undefined || data.length !== reference.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < reference.length; i++) {
    if (skip(i)) continue;
    const difference = Math.abs(data[i] - reference[i]);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
  }
  return worst === 0 ? 0 : worst / scale;
}

/** Optimisers keep the first gradient, times a constant: Adam as m, momentum as v. */
const gradientSlot = (name, state) => (`${name}:m` in state ? `${name}:m` : `${name}:v`);

/**
 * Compares {losses, state} with those of the reference. Gives the worst deviations with their places, and
 * `reason`, null where all are within the tolerance.
 *
 * Adam's first step is the learning rate times the gradient's sign: where the gradient is a rounding error, so
 * is the step, and such weights are left out.
 */
export function compare(result, reference) {
  const worst = {
    losses: { deviation: 0, at: "" },
    gradients: { deviation: 0, at: "" },
    weights: { deviation: 0, at: "" },
  };
  const note = (kind, at, value) => {
    if (value > worst[kind].deviation) worst[kind] = { deviation: value, at };
  };
  reference.losses.forEach((loss, i) => {
    const value = deviation([result.losses[i]], [loss], Math.abs(loss));
    note("losses", `step ${i + 1}`, value);
  });
  const names = Object.keys(reference.state).filter((name) => !name.includes(":"));
  const slots = new Map(
    names
      .map((name) => [name, gradientSlot(name, reference.state)])
      .filter(([, slot]) => slot in reference.state),
  );
  const overall = Math.max(...[...slots.values()].map((slot) => largest(reference.state[slot])));
  for (const name of names) {
    const expected = reference.state[name];
    const slot = slots.get(name);
    const gradient = slot === undefined ? null : reference.state[slot];
    const scale = gradient === null ? 0 : Math.max(largest(gradient), negligible * overall);
    if (gradient !== null) {
      note("gradients", slot, deviation(result.state[slot], gradient, scale));
    }
    const isSign = slot?.endsWith(":m") === true;
    const skip = isSign ? (i) => Math.abs(gradient[i]) < 1e-2 * scale : undefined;
    note("weights", name, deviation(result.state[name], expected, largest(expected) || 1, skip));
  }
  const beyond = Object.keys(tolerance).filter((kind) => worst[kind].deviation > tolerance[kind]);
  const reasons = beyond.map((kind) => {
    const { deviation: by, at } = worst[kind];
    return `${kind} deviate by ${by.toExponential(1)} (${at}; ${tolerance[kind]} is allowed)`;
  });
  return { worst, reason: reasons.length === 0 ? null : reasons.join("; ") };
}
