/** Plays single notes of any instrument into an audio node. */

import { type Family, familyOf } from "./programs";
import { spectrum } from "./spectra";
import { type Struck, noisy, struck } from "./strings";

/** A note that sounds; `release` lets it fade from then on. */
export interface Voice {
  release(when: number): void;
}

interface Envelope {
  attack: number;
  release: number;
  vibrato: number;
  /** Cents between two players of the same line; 0: one player. */
  spread: number;
  /** Seconds until the tone is as bright as it gets; 0: at once. */
  opening: number;
  level: number;
}

const ENVELOPES: Readonly<Record<Exclude<Family, Struck>, Envelope>> = {
  choir: { attack: 0.09, release: 0.22, vibrato: 14, spread: 9, opening: 0, level: 0.5 },
  violin: { attack: 0.07, release: 0.14, vibrato: 13, spread: 4, opening: 0, level: 0.38 },
  cello: { attack: 0.08, release: 0.16, vibrato: 11, spread: 4, opening: 0, level: 0.5 },
  strings: { attack: 0.12, release: 0.3, vibrato: 8, spread: 12, opening: 0, level: 0.4 },
  brass: { attack: 0.05, release: 0.12, vibrato: 4, spread: 5, opening: 0.12, level: 0.4 },
  reed: { attack: 0.05, release: 0.1, vibrato: 6, spread: 0, opening: 0, level: 0.4 },
  flute: { attack: 0.06, release: 0.12, vibrato: 10, spread: 0, opening: 0, level: 0.45 },
  organ: { attack: 0.015, release: 0.08, vibrato: 0, spread: 3, opening: 0, level: 0.4 },
  pulse: { attack: 0.004, release: 0.03, vibrato: 5, spread: 0, opening: 0, level: 0.36 },
  triangle: { attack: 0.004, release: 0.03, vibrato: 0, spread: 0, opening: 0, level: 0.65 },
  pad: { attack: 0.25, release: 0.5, vibrato: 6, spread: 14, opening: 0, level: 0.35 },
};

const LEVELS: Readonly<Record<Struck, number>> = { piano: 0.75, electric: 0.6, bell: 0.5, guitar: 0.7, bass: 0.85, pluck: 0.65 };
const RELEASES: Readonly<Record<Struck, number>> = { piano: 0.12, electric: 0.15, bell: 0.6, guitar: 0.12, bass: 0.07, pluck: 0.25 };
const SAMPLED_EVERY = 3;

export class Instruments {
  readonly #waves = new Map<string, PeriodicWave>();
  readonly #buffers = new Map<string, AudioBuffer>();
  readonly #noise: AudioBuffer;

  constructor(readonly context: BaseAudioContext) {
    const noise = noisy(1);
    this.#noise = context.createBuffer(1, context.sampleRate, context.sampleRate);
    const samples = this.#noise.getChannelData(0);
    for (let n = 0; n < samples.length; n += 1) samples[n] = noise();
  }

  /** A note begins at `when`, on the clock of the context. */
  strike(program: number, pitch: number, velocity: number, when: number, out: AudioNode): Voice {
    const family = familyOf(program);
    const loud = 0.15 + 0.85 * (velocity / 127) ** 1.4;
    return isStruck(family)
      ? this.#struck(family, pitch, velocity, loud, when, out)
      : this.#sustained(family, pitch, loud, when, out);
  }

  /** A drum of General MIDI. */
  drum(pitch: number, velocity: number, when: number, out: AudioNode): Voice {
    const loud = 0.6 * (velocity / 127) ** 1.3;
    const low = pitch <= 36 || [41, 43, 45, 47, 48, 50].includes(pitch);
    return low ? this.#drumSkin(pitch, loud, when, out) : this.#drumNoise(pitch, loud, when, out);
  }

  #sustained(family: Exclude<Family, Struck>, pitch: number, loud: number, when: number, out: AudioNode): Voice {
    const { context } = this;
    const shape = ENVELOPES[family];
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setTargetAtTime(loud * shape.level, when, shape.attack / 3);
    gain.gain.setTargetAtTime(loud * shape.level * 0.82, when + shape.attack, 0.4);
    const sources: AudioScheduledSourceNode[] = [];
    for (const cents of shape.spread ? [-shape.spread / 2, shape.spread / 2] : [0]) {
      const tone = context.createOscillator();
      tone.setPeriodicWave(this.#wave(family, pitch));
      tone.frequency.value = hertz(pitch);
      tone.detune.value = cents;
      tone.connect(gain);
      sources.push(tone);
    }
    if (shape.vibrato) sources.push(this.#vibrato(sources as OscillatorNode[], shape.vibrato, when));
    for (const source of sources) source.start(when);
    const last = shape.opening ? this.#opening(gain, pitch, shape.opening, when) : gain;
    last.connect(out);
    return fading(gain, last, sources, shape.release);
  }

  #struck(family: Struck, pitch: number, velocity: number, loud: number, when: number, out: AudioNode): Voice {
    const { context } = this;
    const sampled = Math.round(pitch / SAMPLED_EVERY) * SAMPLED_EVERY;
    const source = context.createBufferSource();
    source.buffer = this.#buffer(family, sampled);
    source.playbackRate.value = 2 ** ((pitch - sampled) / 12);
    const touch = context.createBiquadFilter();
    touch.type = "lowpass";
    touch.frequency.value = Math.min(16000, 700 + hertz(pitch) * 1.5 + 9000 * (velocity / 127) ** 1.6);
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(loud * LEVELS[family], when);
    source.connect(touch).connect(gain).connect(out);
    source.start(when);
    return fading(gain, gain, [source], RELEASES[family]);
  }

  #drumSkin(pitch: number, loud: number, when: number, out: AudioNode): Voice {
    const tone = this.context.createOscillator();
    const bottom = pitch <= 36 ? 48 : 70 + (pitch - 41) * 9;
    tone.frequency.setValueAtTime(bottom * 2.6, when);
    tone.frequency.exponentialRampToValueAtTime(bottom, when + 0.09);
    const gain = decaying(this.context, loud * 1.3, when, pitch <= 36 ? 0.09 : 0.14);
    tone.connect(gain).connect(out);
    tone.start(when);
    tone.stop(when + 0.9);
    tone.onended = () => gain.disconnect();
    return { release: () => undefined };
  }

  #drumNoise(pitch: number, loud: number, when: number, out: AudioNode): Voice {
    const cymbal = pitch >= 42;
    const ringing = [46, 49, 51, 52, 55, 57, 59].includes(pitch);
    const source = this.context.createBufferSource();
    source.buffer = this.#noise;
    source.loop = true;
    const filter = this.context.createBiquadFilter();
    filter.type = cymbal ? "highpass" : "bandpass";
    filter.frequency.value = cymbal ? 6500 : 1900;
    filter.Q.value = 0.6;
    const gain = decaying(this.context, loud * (cymbal ? 0.35 : 0.9), when, ringing ? 0.3 : cymbal ? 0.03 : 0.09);
    source.connect(filter).connect(gain).connect(out);
    source.start(when);
    source.stop(when + (ringing ? 1.8 : 0.6));
    source.onended = () => gain.disconnect();
    return { release: () => undefined };
  }

  #vibrato(tones: OscillatorNode[], cents: number, when: number): OscillatorNode {
    const { context } = this;
    const wobble = context.createOscillator();
    wobble.frequency.value = 5.2;
    const depth = context.createGain();
    depth.gain.setValueAtTime(0, when + 0.15);
    depth.gain.linearRampToValueAtTime(cents, when + 0.6);
    wobble.connect(depth);
    for (const tone of tones) depth.connect(tone.detune);
    return wobble;
  }

  #opening(from: AudioNode, pitch: number, seconds: number, when: number): AudioNode {
    const filter = this.context.createBiquadFilter();
    filter.type = "lowpass";
    filter.frequency.setValueAtTime(hertz(pitch) * 1.5 + 200, when);
    filter.frequency.exponentialRampToValueAtTime(hertz(pitch) * 4 + 3000, when + seconds);
    from.connect(filter);
    return filter;
  }

  #wave(family: Family, pitch: number): PeriodicWave {
    const key = `${family} ${pitch}`;
    let wave = this.#waves.get(key);
    if (!wave) {
      const partials = spectrum(family, hertz(pitch), Math.min(12000, this.context.sampleRate / 2.2));
      // Phases that differ keep the wave from being one sharp peak.
      const real = partials.map((value, k) => value * Math.cos(k * k));
      const imaginary = partials.map((value, k) => value * Math.sin(k * k));
      wave = this.context.createPeriodicWave(real, imaginary, { disableNormalization: true });
      this.#waves.set(key, wave);
    }
    return wave;
  }

  #buffer(family: Struck, pitch: number): AudioBuffer {
    const key = `${family} ${pitch}`;
    let buffer = this.#buffers.get(key);
    if (!buffer) {
      const samples = struck(family, hertz(pitch), this.context.sampleRate);
      buffer = this.context.createBuffer(1, samples.length, this.context.sampleRate);
      buffer.copyToChannel(samples, 0);
      this.#buffers.set(key, buffer);
    }
    return buffer;
  }
}

function fading(gain: GainNode, last: AudioNode, sources: AudioScheduledSourceNode[], seconds: number): Voice {
  sources[0]!.onended = () => last.disconnect();
  return {
    release(when) {
      gain.gain.cancelScheduledValues(when);
      gain.gain.setTargetAtTime(0, when, seconds / 3);
      for (const source of sources) source.stop(when + 2 * seconds);
    },
  };
}

function decaying(context: BaseAudioContext, loud: number, when: number, seconds: number): GainNode {
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(loud, when);
  gain.gain.setTargetAtTime(0, when, seconds);
  return gain;
}

function isStruck(family: Family): family is Struck {
  return family in LEVELS;
}

function hertz(pitch: number): number {
  return 440 * 2 ** ((pitch - 69) / 12);
}
