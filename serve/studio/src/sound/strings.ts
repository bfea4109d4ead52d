/** Struck and plucked tones, computed once a pitch. Pure numbers; knows no sound card. */

export type Struck = "piano" | "electric" | "bell" | "guitar" | "bass" | "pluck";

const SECONDS: Readonly<Record<Struck, number>> = { piano: 4.5, electric: 3.5, bell: 3, guitar: 3, bass: 2.5, pluck: 1.8 };

/** A tone of `kind` at `hertz`, whose loudest sample is 1. */
export function struck(kind: Struck, hertz: number, rate: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(Math.round(SECONDS[kind] * rate));
  if (kind === "piano") piano(samples, hertz, rate);
  else if (kind === "electric") modulated(samples, hertz, rate, 1, 1.6, 0.9, 1.6);
  else if (kind === "bell") modulated(samples, hertz, rate, 3.5, 2.2, 0.5, 0.9);
  else plucked(samples, hertz, rate, kind);
  return normalised(samples, rate);
}

/** Stretched partials, the high ones sooner gone; two strings a little apart. */
function piano(samples: Float32Array, hertz: number, rate: number): void {
  const stiffness = 0.00025 * (hertz / 262) ** 0.5;
  const brightness = 0.62 - 0.1 * Math.log2(hertz / 262);
  for (let k = 1; k <= 24; k += 1) {
    const partial = hertz * k * Math.sqrt(1 + stiffness * k * k);
    if (partial > Math.min(9000, rate / 2.2)) break;
    const hammer = Math.abs(Math.sin((Math.PI * k) / 8.3)) + 0.08;
    const loud = (hammer * Math.exp(-(k - 1) * (1 - brightness) * 0.62)) / k ** 0.35;
    const decay = (1.1 + 0.28 * k) * (hertz / 262) ** 0.45;
    for (const [apart, share] of [[-0.0003, 0.6], [0.0004, 0.4]] as const) {
      addPartial(samples, partial * (1 + apart), loud * share, decay, rate, k * 1.7);
    }
  }
  addKnock(samples, rate, 0.05);
}

/** One decaying partial, by the recurrence of a rotating vector. */
function addPartial(samples: Float32Array, hertz: number, loud: number, decay: number, rate: number, phase: number): void {
  const turn = (2 * Math.PI * hertz) / rate;
  const shrink = Math.exp(-decay / rate);
  const twice = 2 * shrink * Math.cos(turn);
  const square = shrink * shrink;
  let before = (loud * Math.sin(phase - turn)) / shrink;
  let now = loud * Math.sin(phase);
  for (let n = 0; n < samples.length; n += 1) {
    samples[n]! += now;
    [before, now] = [now, twice * now - square * before];
  }
}

function addKnock(samples: Float32Array, rate: number, loud: number): void {
  const noise = noisy(17);
  let smooth = 0;
  for (let n = 0; n < 0.03 * rate; n += 1) {
    smooth += 0.12 * (noise() - smooth);
    samples[n]! += loud * smooth * Math.exp(-n / (0.006 * rate)) * 4;
  }
}

/** A sine whose phase another sine moves, less and less. */
function modulated(
  samples: Float32Array, hertz: number, rate: number, ratio: number, depth: number, fade: number, decay: number,
): void {
  const turn = (2 * Math.PI * hertz) / rate;
  for (let n = 0; n < samples.length; n += 1) {
    const second = n / rate;
    const bend = depth * Math.exp(-second / fade) * Math.sin(turn * ratio * n);
    samples[n] = Math.exp(-second * decay) * Math.sin(turn * n + bend);
  }
}

const PLUCKS = {
  guitar: { loss: 0.996, bright: 0.55, place: 0.21 },
  bass: { loss: 0.9965, bright: 0.22, place: 0.13 },
  pluck: { loss: 0.989, bright: 0.7, place: 0.3 },
} as const;

/** Karplus and Strong: noise goes round a delay line, each time a little duller. */
function plucked(samples: Float32Array, hertz: number, rate: number, kind: keyof typeof PLUCKS): void {
  const { loss, bright, place } = PLUCKS[kind];
  const period = rate / hertz - 0.5;
  const whole = Math.floor(period);
  const tuning = (1 - (period - whole)) / (1 + (period - whole));
  const line = excitation(whole, bright, Math.max(1, Math.round(place * whole)));
  let [last, allpassIn, allpassOut] = [0, 0, 0];
  for (let n = 0; n < samples.length; n += 1) {
    const out = line[n % whole]!;
    samples[n] = out;
    const averaged = loss * 0.5 * (out + last);
    last = out;
    allpassOut = tuning * (averaged - allpassOut) + allpassIn;
    allpassIn = averaged;
    line[n % whole] = allpassOut;
  }
}

/** Noise as a plectrum leaves it: no brighter than `bright`, without the partials that rest where it struck. */
function excitation(length: number, bright: number, place: number): Float32Array {
  const noise = noisy(length);
  const line = new Float32Array(length);
  let smooth = 0;
  for (let n = 0; n < length; n += 1) {
    smooth += bright * (noise() - smooth);
    line[n] = smooth;
  }
  const combed = line.map((value, n) => value - line[(n + length - place) % length]!);
  const mean = combed.reduce((sum, value) => sum + value, 0) / length;
  return combed.map((value) => value - mean);
}

function normalised(samples: Float32Array<ArrayBuffer>, rate: number): Float32Array<ArrayBuffer> {
  const loudest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  const fade = Math.round(0.25 * rate);
  return samples.map((value, n) => (value / loudest) * Math.min(1, (samples.length - n) / fade));
}

/** The same noise each time, from a linear congruential generator. */
export function noisy(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2147483648 - 1;
  };
}
