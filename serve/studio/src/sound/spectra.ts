/** How loud each partial of a sustained tone is. Pure numbers; knows no sound card. */

import type { Family } from "./programs";

export const PARTIALS = 40;

/** The amplitude of partial `k`, counted from 1, of a tone at `hertz`. */
type Spectrum = (k: number, hertz: number) => number;

const saw: Spectrum = (k) => 1 / k;
const lowpassed = (cutoff: number, order: number, hertz: number): number => 1 / Math.sqrt(1 + (hertz / cutoff) ** (2 * order));

/** Resonances as [hertz, width, gain]. */
function formants(hertz: number, peaks: readonly (readonly [number, number, number])[], floor: number): number {
  return peaks.reduce((sum, [centre, width, gain]) => sum + gain / (1 + ((hertz - centre) / width) ** 2), floor);
}

const AAH = [[690, 110, 1], [1150, 120, 0.55], [2750, 180, 0.22], [3300, 220, 0.14]] as const;
const BODY_HIGH = [[290, 60, 0.7], [480, 90, 0.9], [1100, 250, 0.5], [2600, 600, 0.6]] as const;
const BODY_LOW = [[110, 30, 0.6], [220, 60, 0.9], [430, 110, 0.7], [1500, 500, 0.4]] as const;

const SPECTRA: Partial<Record<Family, Spectrum>> = {
  choir: (k, f) => saw(k, f) ** 0.8 * formants(k * f, AAH, 0.04) * lowpassed(4500, 2, k * f),
  violin: (k, f) => saw(k, f) * formants(k * f, BODY_HIGH, 0.35) * lowpassed(5500, 1, k * f),
  cello: (k, f) => saw(k, f) * formants(k * f, BODY_LOW, 0.3) * lowpassed(3200, 1, k * f),
  strings: (k, f) => saw(k, f) * formants(k * f, BODY_HIGH, 0.5) * lowpassed(3200, 1, k * f),
  brass: (k, f) => (k <= 2 ? 0.8 : 1.6 / k) * lowpassed(1900 + f, 2, k * f),
  reed: (k, f) => (k % 2 ? 1 : 0.35) * k ** -0.9 * lowpassed(2800, 2, k * f),
  flute: (k) => [1, 0.34, 0.12, 0.05, 0.02][k - 1] ?? 0,
  organ: (k) => ({ 1: 0.8, 2: 0.6, 3: 0.25, 4: 0.4, 6: 0.15, 8: 0.2 })[k] ?? 0,
  pulse: (k) => Math.abs(Math.sin(Math.PI * k * 0.25)) / k,
  triangle: (k) => (k % 2 ? 1 / k ** 2 : 0),
  pad: (k, f) => saw(k, f) * lowpassed(1200 + f, 2, k * f),
};

/** The amplitudes of a family's partials at `hertz`, none above `highest`, of equal loudness. */
export function spectrum(family: Family, hertz: number, highest: number): Float32Array<ArrayBuffer> {
  const amplitude = SPECTRA[family] ?? saw;
  const partials = new Float32Array(PARTIALS + 1);
  for (let k = 1; k <= PARTIALS && k * hertz < highest; k += 1) partials[k] = amplitude(k, hertz);
  const power = Math.hypot(...partials) || 1;
  return partials.map((value) => value / power);
}
