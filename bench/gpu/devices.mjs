/** @file Which engines and devices are measured: what this machine has, and what was asked for. */

export const titleOf = ({ engine, device }) => `${engine}:${device}`;
export const reference = { engine: "onnx", device: "cpu" };

/** Devices that are the CPU by whatever name; all others are GPUs. */
const cpuDevices = ["cpu", "wasm"];

/**
 * `probes`: {engine, device, availability, detail, fix} of all there are; `wanted`: titles, or null for every GPU
 * that works; `software`: emulated devices, too. Gives those to measure, and rows {contender, status, reason} about
 * those that were asked for in vain.
 *
 * @typedef {{ engine: string, device: string, availability: string, detail: string, fix: string | null }} Probed
 * @typedef {{ contender: string, status: string, reason: string }} Refusal
 * @param {readonly Probed[]} probes
 * @param {{ wanted: readonly string[] | null, software: boolean }} options
 * @returns {{ chosen: Probed[], refused: Refusal[], note: string | null }}
 */
export function chooseDevices(probes, { wanted, software }) {
  const usable = ({ availability }) =>
    availability === "ready" || (software && availability === "software");
  if (wanted !== null) {
    const named = probes.filter((probe) => wanted.includes(titleOf(probe)));
    return {
      chosen: named.filter(usable),
      refused: named.filter((probe) => !usable(probe)).map(refusal),
      note: null,
    };
  }
  const gpus = probes.filter((probe) => !cpuDevices.includes(probe.device) && usable(probe));
  if (gpus.length > 0) return { chosen: gpus, refused: [], note: null };
  const cpu = probes.filter((probe) => titleOf(probe) === titleOf(reference) && usable(probe));
  const note = "no GPU can be used here: the CPU is measured instead";
  return { chosen: cpu, refused: [], note };
}

function refusal({ availability, detail, fix, ...probe }) {
  const reason =
    availability === "software"
      ? `${detail}: an emulated device, measured with --software`
      : `${detail}${fix === null ? "" : `; ${fix}`}`;
  return { contender: titleOf(probe), status: "absent", reason };
}
