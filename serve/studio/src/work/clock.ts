/** Ticks to seconds and back, through the tempos of a piece; and where its bars begin. */

import type { Meter, Tempo } from "../api/forms";

const DEFAULT_TEMPO = 120;

interface Stretch {
  tick: number;
  second: number;
  secondsPerTick: number;
}

export class Clock {
  readonly #stretches: Stretch[] = [];

  constructor(
    tempos: readonly Tempo[],
    readonly resolution: number,
  ) {
    const changes = [...tempos].sort((a, b) => a.tick - b.tick);
    if (changes[0]?.tick !== 0) changes.unshift({ tick: 0, quarters: DEFAULT_TEMPO });
    let last: Stretch | undefined;
    for (const { tick, quarters } of changes) {
      const second = last ? last.second + (tick - last.tick) * last.secondsPerTick : 0;
      last = { tick, second, secondsPerTick: 60 / quarters / resolution };
      this.#stretches.push(last);
    }
  }

  seconds(tick: number): number {
    const stretch = this.#last((one) => one.tick <= tick);
    return stretch.second + (tick - stretch.tick) * stretch.secondsPerTick;
  }

  tick(second: number): number {
    const stretch = this.#last((one) => one.second <= second);
    return stretch.tick + (second - stretch.second) / stretch.secondsPerTick;
  }

  #last(begun: (stretch: Stretch) => boolean): Stretch {
    let low = 0;
    for (let high = this.#stretches.length - 1; low < high; ) {
      const middle = Math.ceil((low + high) / 2);
      if (begun(this.#stretches[middle]!)) low = middle;
      else high = middle - 1;
    }
    return this.#stretches[low]!;
  }
}

/** The ticks at which bars begin, up to `end`. */
export function barLines(meters: readonly Meter[], resolution: number, end: number): number[] {
  const changes = [...meters].sort((a, b) => a.tick - b.tick);
  if (changes[0]?.tick !== 0) changes.unshift({ tick: 0, numerator: 4, denominator: 4 });
  const lines: number[] = [];
  changes.forEach((meter, n) => {
    const until = Math.min(end + 1, changes[n + 1]?.tick ?? Infinity);
    const bar = Math.max(1, (4 * resolution * meter.numerator) / meter.denominator);
    for (let tick = meter.tick; tick < until; tick += bar) lines.push(tick);
  });
  return lines;
}

export interface Place {
  bar: number;
  beat: number;
}

/** The bar, counted from 1, and the quarter in it, counted from 1, of a tick. */
export function placeOf(tick: number, lines: readonly number[], resolution: number): Place {
  let bar = 0;
  while (bar + 1 < lines.length && lines[bar + 1]! <= tick) bar += 1;
  const beat = (tick - (lines[bar] ?? 0)) / resolution + 1;
  return { bar: bar + 1, beat: Math.round(beat * 100) / 100 };
}
