import assert from "node:assert/strict";
import { test } from "node:test";
import { firstFrom } from "../src/sound/player";
import { PROGRAMS, familyOf, pitchName } from "../src/sound/programs";
import { spectrum } from "../src/sound/spectra";
import { struck } from "../src/sound/strings";
import { wav } from "../src/sound/wav";

const RATE = 44_100;

/** The pitch of a tone, from how far apart it repeats itself. */
function heardHertz(samples: Float32Array, near: number): number {
  const from = Math.round(0.3 * RATE);
  let [best, most] = [0, -Infinity];
  for (let lag = Math.floor(RATE / near / 1.06); lag <= Math.ceil((RATE / near) * 1.06); lag += 1) {
    let sum = 0;
    for (let n = from; n < from + 8000; n += 1) sum += samples[n]! * samples[n + lag]!;
    if (sum > most) [best, most] = [lag, sum];
  }
  return RATE / best;
}

test("each program has a name and a family", () => {
  assert.equal(PROGRAMS.length, 128);
  assert.ok(PROGRAMS.every((name, n) => name.length > 2 && familyOf(n).length > 2));
  assert.deepEqual([0, 40, 42, 52, 73, 80].map(familyOf), ["piano", "violin", "cello", "choir", "flute", "pulse"]);
});

test("middle C is C4", () => {
  assert.equal(pitchName(60), "C4");
  assert.equal(pitchName(70), "B♭4");
});

test("struck and plucked strings are in tune, loud and silent at their end", () => {
  for (const kind of ["piano", "guitar", "bass", "pluck", "electric"] as const) {
    const hertz = kind === "bass" ? 110 : 220;
    const samples = struck(kind, hertz, RATE);
    const cents = 1200 * Math.log2(heardHertz(samples, hertz) / hertz);
    assert.ok(Math.abs(cents) < 12, `${kind} is ${cents.toFixed(1)} cents off`);
    assert.ok(Math.abs(samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0) - 1) < 0.01);
    assert.ok(Math.abs(samples.at(-1)!) < 0.001);
  }
});

test("sustained tones are equally loud, without partials above the limit", () => {
  for (const family of ["choir", "violin", "brass", "flute", "pulse", "triangle"] as const) {
    const partials = spectrum(family, 1000, 3500);
    assert.ok(Math.abs(Math.hypot(...partials) - 1) < 1e-5);
    assert.ok(partials.slice(4).every((value) => value === 0));
  }
});

test("the first note from a place on is found", () => {
  const notes = [0, 1, 1, 2].map((start) => ({ start }));
  assert.deepEqual([-1, 0, 0.5, 1, 1.5, 3].map((at) => firstFrom(notes, at)), [0, 0, 1, 1, 3, 4]);
});

test("samples become a WAV file, none beyond full scale", () => {
  const file = new DataView(wav([new Float32Array([0, 1, -2]), new Float32Array([0.5, 0, 0])], RATE));
  assert.equal(file.byteLength, 44 + 12);
  assert.equal(file.getUint32(24, true), RATE);
  assert.deepEqual([44, 46, 48, 52].map((at) => file.getInt16(at, true)), [0, 16384, 32767, -32767]);
});
