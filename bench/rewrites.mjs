/** @file What graph rewrites are worth: the hand-written program with them switched on one by one. */
import { stateSpecs, trainingProgram } from "./cifar-program.mjs";
import { handTuned } from "./peers/hand-tuned.mjs";
import { naive } from "./peers/naive.mjs";
import { handWrittenProgram } from "./peers/program.mjs";
import { measure } from "./rounds.mjs";

const batch = 64;
const threads = Number(process.env.THREADS ?? 2);
const rounds = Number(process.env.ROUNDS ?? 20);
const variants = {
  "as differentiated": {},
  "+ mask on the pooled gradient": { pooledMask: true },
  "+ bias from the pooled gradient": { pooledMask: true, pooledBias: true },
  "+ ignored rows cropped": { pooledMask: true, pooledBias: true, crop: true },
};
const peers = [await naive({ batch, threads }), await handTuned({ batch, threads })];
for (const [name, rewrites] of Object.entries(variants)) {
  const program = trainingProgram(rewrites);
  peers.push(await handWrittenProgram({ batch, threads, name, program, specs: stateSpecs }));
}
const results = await measure(peers, { rounds, steps: 5 });
const reference = results[1];
for (const { name, min, median, firstLoss, lastLoss } of results) {
  const ratio = (min / reference.min).toFixed(3);
  console.log(
    `${name.padEnd(34)} min ${min.toFixed(2)} median ${median.toFixed(2)} ms  ×${ratio}  median ×${(median / reference.median).toFixed(3)}  loss ${firstLoss.toFixed(6)} → ${lastLoss.toFixed(4)}`,
  );
}
for (const peer of peers) await peer.close();
