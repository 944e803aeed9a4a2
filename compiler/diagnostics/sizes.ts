/** @file Sizes for people, in powers of 1000. */

function scaled(value: number, units: readonly string[], digits: number): string {
  let amount = value;
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit++;
  }
  if (unit === 0) return `${amount}${units[0]}`;
  // Beyond the largest unit a power of ten is easier to read than its digits.
  return `${amount >= 1000 ? amount.toExponential(1) : amount.toFixed(digits)}${units[unit]}`;
}

/** 1234567 → 1.2 MB */
export const bytes = (value: number): string =>
  scaled(value, [" B", " kB", " MB", " GB", " TB", " PB", " EB"], 1);

/** 1234567 → 1.23 M */
export const magnitude = (value: number): string =>
  scaled(value, ["", " k", " M", " G", " T", " P", " E"], 2);
