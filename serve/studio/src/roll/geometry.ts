/** Where notes lie on the roll. Pure; knows neither canvas nor colours. */

export interface Pitched {
  onset: number;
  duration: number;
  pitch: number;
  part: number;
}

/** What is seen: `left` pixels are scrolled past, a tick is `scale` pixels wide. */
export interface Frame {
  left: number;
  width: number;
  scale: number;
}

/** A strip with pitches from `low` at its bottom to `high`; `part` null: for all parts. */
export interface Band {
  top: number;
  height: number;
  low: number;
  high: number;
  part: number | null;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Layout = "together" | "lanes";
export type Direction = "left" | "right" | "up" | "down";

const MARGIN = 2;
const LEAST_SPAN = 16;
const THICKEST = 13;
const THINNEST = 5;
const NARROWEST = 2;

/** One band for all parts, or one each, from `top` down. */
export function bandsOf(notes: readonly Pitched[], parts: number, layout: Layout, top: number, height: number): Band[] {
  if (layout === "together") return [bandOver(notes, null, top, height)];
  const each = height / Math.max(1, parts);
  return Array.from({ length: parts }, (_, part) =>
    bandOver(notes.filter((note) => note.part === part), part, top + part * each, each),
  );
}

export function bandOver(notes: readonly Pitched[], part: number | null, top: number, height: number): Band {
  let [low, high] = [127, 0];
  for (const { pitch } of notes) {
    low = Math.min(low, pitch);
    high = Math.max(high, pitch);
  }
  if (low > high) [low, high] = [60, 60];
  const missing = Math.max(0, LEAST_SPAN - (high - low));
  return { top, height, part, low: low - MARGIN - missing / 2, high: high + MARGIN + missing / 2 };
}

export function yOf(pitch: number, band: Band): number {
  return band.top + ((band.high - pitch + 0.5) / (band.high - band.low + 1)) * band.height;
}

export function pitchAt(y: number, band: Band): number {
  return band.high + 0.5 - ((y - band.top) / band.height) * (band.high - band.low + 1);
}

export function xOf(tick: number, frame: Frame): number {
  return tick * frame.scale - frame.left;
}

export function tickAt(x: number, frame: Frame): number {
  return Math.max(0, (x + frame.left) / frame.scale);
}

export function boxOf(note: Pitched, band: Band, frame: Frame): Box {
  const row = band.height / (band.high - band.low + 1);
  const height = Math.min(THICKEST, Math.max(THINNEST, row * 0.86));
  const width = Math.max(NARROWEST, note.duration * frame.scale - 1);
  return { x: xOf(note.onset, frame), y: yOf(note.pitch, band) - height / 2, width, height };
}

export function bandOf(note: Pitched, bands: readonly Band[]): Band {
  return bands.length === 1 ? bands[0]! : (bands[note.part] ?? bands[0]!);
}

/** The notes that may be seen, as a range of their numbers; `longest` is the longest duration. */
export function visible(notes: readonly Pitched[], longest: number, frame: Frame): [number, number] {
  const from = tickAt(0, frame) - longest;
  const to = tickAt(frame.width, frame);
  return [firstAfter(notes, from), firstAfter(notes, to)];
}

/** The note at a point, the last painted first; `slack` pixels beside it count too. */
export function noteAt(
  x: number, y: number, notes: readonly Pitched[], bands: readonly Band[], frame: Frame, slack = 2,
): number | null {
  let near: number | null = null;
  let distance = Infinity;
  for (let n = notes.length - 1; n >= 0; n -= 1) {
    const box = boxOf(notes[n]!, bandOf(notes[n]!, bands), frame);
    const beside = Math.max(box.x - x, x - box.x - box.width, box.y - y, y - box.y - box.height);
    if (beside <= slack && beside < distance) {
      near = n;
      distance = Math.max(0, beside);
      if (beside <= 0) return n;
    }
  }
  return near;
}

/** The notes that a rectangle touches. */
export function notesIn(area: Box, notes: readonly Pitched[], bands: readonly Band[], frame: Frame): number[] {
  const found: number[] = [];
  notes.forEach((note, n) => {
    const box = boxOf(note, bandOf(note, bands), frame);
    const apart =
      box.x > area.x + area.width || box.x + box.width < area.x ||
      box.y > area.y + area.height || box.y + box.height < area.y;
    if (!apart) found.push(n);
  });
  return found;
}

/** Where the focus goes from note `from`; the same note where there is none further. */
export function neighbour(notes: readonly Pitched[], from: number, direction: Direction): number {
  const here = notes[from];
  if (!here) return 0;
  const candidates = notes.map((note, n) => ({ note, n })).filter(({ note, n }) => n !== from && lies(note, here, direction));
  const first = candidates.reduce<{ note: Pitched; n: number } | null>(
    (best, one) => (best === null || farness(one.note, here, direction) < farness(best.note, here, direction) ? one : best),
    null,
  );
  return first?.n ?? from;
}

function lies(note: Pitched, here: Pitched, direction: Direction): boolean {
  switch (direction) {
    case "left":
      return note.onset < here.onset;
    case "right":
      return note.onset > here.onset;
    case "up":
      return note.pitch > here.pitch && overlaps(note, here);
    case "down":
      return note.pitch < here.pitch && overlaps(note, here);
  }
}

function overlaps(a: Pitched, b: Pitched): boolean {
  return a.onset === b.onset || (a.onset < b.onset + b.duration && b.onset < a.onset + a.duration);
}

function farness(note: Pitched, here: Pitched, direction: Direction): number {
  const along = Math.abs(note.onset - here.onset);
  const across = Math.abs(note.pitch - here.pitch);
  return direction === "left" || direction === "right" ? along * 128 + across : across * 1e9 + along;
}

function firstAfter(notes: readonly Pitched[], tick: number): number {
  let low = 0;
  for (let high = notes.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (notes[middle]!.onset <= tick) low = middle + 1;
    else high = middle;
  }
  return low;
}
