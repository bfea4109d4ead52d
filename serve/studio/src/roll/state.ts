/** How the roll is shown, and what is about to happen on it. */

import { signal } from "@preact/signals";
import { project } from "../work/studio";
import type { Layout } from "./geometry";
import type { HintKind } from "./handles";

export const layout = signal<Layout>("together");
export const comparing = signal(false);
export const scale = signal(44);
/** The part that notes would go to if they were dropped now. */
export const dropTarget = signal<number | null>(null);
export const focus = signal<number | null>(null);
/** What a handle would say if it were let go now. */
export const hinting = signal<{ kind: HintKind; part: number; value: number } | null>(null);

/** Pixels to the left of the first tick. */
export const INSET = 14;
const [NARROWEST, WIDEST] = [4, 400];

export function zoom(factor: number): void {
  scale.value = Math.min(WIDEST, Math.max(NARROWEST, scale.value * factor));
}

export function pixelsPerTick(): number {
  return scale.value / quarter();
}

/** Ticks a quarter. */
export function quarter(): number {
  return project.value.arrangement?.resolution ?? 480;
}

/** Scrolls so that `x` is seen, with room for what follows. */
export function keepInSight(scroller: HTMLElement, x: number): void {
  const width = scroller.clientWidth;
  if (x < 0 || x > width * 0.86) scroller.scrollLeft += x - width * 0.14;
}
