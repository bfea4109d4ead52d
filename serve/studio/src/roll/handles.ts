/** Handles in the lanes of parts, by which what is known beforehand is set: where a part first plays, how high it lies. */

import { type Band, type Frame, type Pitched, pitchAt, tickAt, xOf, yOf } from "./geometry";

export type HintKind = "entries" | "meanPitch";

/** `known`: whether somebody has set it; otherwise it lies where the notes are. */
export interface Handle {
  kind: HintKind;
  part: number;
  x: number;
  y: number;
  known: boolean;
}

/** What is known of a part: the quarter where it first plays, and its mean pitch. */
export interface Known {
  entries: number | undefined;
  meanPitch: number | undefined;
}

const REACH = 9;
const FROM_TOP = 6;
const FROM_LEFT = 7;
const QUARTERS = 0.5;

/** The handles of each lane; a part without notes, of which nothing is known, has none. */
export function handlesOf(
  notes: readonly Pitched[], bands: readonly Band[], frame: Frame, known: readonly Known[], resolution: number,
): Handle[] {
  return bands.flatMap((band): Handle[] => {
    const { part } = band;
    if (part === null) return [];
    const own = notes.filter((note) => note.part === part);
    const { entries, meanPitch } = known[part] ?? { entries: undefined, meanPitch: undefined };
    const first = entries === undefined ? own[0]?.onset : entries * resolution;
    const mean = meanPitch ?? (own.length ? own.reduce((sum, note) => sum + note.pitch, 0) / own.length : undefined);
    const found: Handle[] = [];
    if (first !== undefined) {
      found.push({ kind: "entries", part, x: xOf(first, frame), y: band.top + FROM_TOP, known: entries !== undefined });
    }
    if (mean !== undefined) {
      found.push({ kind: "meanPitch", part, x: FROM_LEFT, y: yOf(mean, band), known: meanPitch !== undefined });
    }
    return found;
  });
}

export function handleAt(x: number, y: number, handles: readonly Handle[]): Handle | null {
  return handles.find((handle) => Math.abs(handle.x - x) <= REACH && Math.abs(handle.y - y) <= REACH) ?? null;
}

/** What a handle says when it is dragged to a point: half quarters, and whole pitches. */
export function saidAt(kind: HintKind, x: number, y: number, band: Band, frame: Frame, resolution: number): number {
  if (kind === "entries") return Math.round(tickAt(x, frame) / resolution / QUARTERS) * QUARTERS;
  return Math.min(127, Math.max(0, Math.round(pitchAt(y, band))));
}
