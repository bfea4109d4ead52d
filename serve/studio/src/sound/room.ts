/** Where parts stand and how the room answers: a mixer of parts into one output. */

import { noisy } from "./strings";

export interface Level {
  volume: number;
  heard: boolean;
}

const ECHO_SECONDS = 1.7;
const ECHO = 0.16;
const WIDTH = 0.55;

export class Room {
  readonly #dry: GainNode;
  readonly #parts: GainNode[] = [];

  constructor(readonly context: BaseAudioContext) {
    const out = context.createDynamicsCompressor();
    out.threshold.value = -14;
    out.ratio.value = 3;
    out.attack.value = 0.004;
    out.connect(context.destination);
    this.#dry = context.createGain();
    this.#dry.gain.value = 0.55;
    this.#dry.connect(out);
    const echo = context.createConvolver();
    echo.buffer = response(context);
    const share = context.createGain();
    share.gain.value = ECHO;
    this.#dry.connect(echo).connect(share).connect(out);
  }

  /** Parts from left to right, each with its level. The last is where drums stand. */
  seat(levels: readonly Level[]): void {
    levels.forEach((level, n) => {
      const gain = (this.#parts[n] ??= this.#place(n, levels.length));
      gain.gain.setTargetAtTime(level.heard ? level.volume ** 2 : 0, this.context.currentTime, 0.015);
    });
  }

  part(n: number): AudioNode {
    return (this.#parts[n] ??= this.#place(n, n + 1));
  }

  #place(n: number, count: number): GainNode {
    const gain = this.context.createGain();
    const pan = this.context.createStereoPanner();
    pan.pan.value = count > 1 ? WIDTH * ((2 * n) / (count - 1) - 1) : 0;
    gain.connect(pan).connect(this.#dry);
    return gain;
  }
}

/** How a room of wood answers a clap: noise that fades, the high of it first. */
function response(context: BaseAudioContext): AudioBuffer {
  const { sampleRate } = context;
  const buffer = context.createBuffer(2, Math.round(ECHO_SECONDS * sampleRate), sampleRate);
  for (const channel of [0, 1]) {
    const samples = buffer.getChannelData(channel);
    const noise = noisy(channel + 7);
    let smooth = 0;
    for (let n = 0; n < samples.length; n += 1) {
      const second = n / sampleRate;
      smooth += (0.75 * Math.exp(-second * 1.6) + 0.06) * (noise() - smooth);
      samples[n] = smooth * Math.exp(-second * 4.2) * Math.min(1, second / 0.012);
    }
  }
  return buffer;
}
