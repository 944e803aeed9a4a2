/** @file Names of the initialisers that specs may use. */
export const initializerNames = [
  "glorot_uniform",
  "glorot_normal",
  "he_uniform",
  "he_normal",
  "lecun_uniform",
  "lecun_normal",
  "orthogonal",
  "zeros",
  "ones",
  "constant",
  "uniform",
  "normal",
] as const;
