/** What pointers do on the roll: choose, frame, drag, seek, loop, zoom. */

import { assign, clock, hint, notes, parts, selection } from "../work/studio";
import { loop, seek } from "../work/transport";
import { type Band, type Box, type Frame, noteAt, notesIn, tickAt, xOf } from "./geometry";
import { type Handle, handleAt, saidAt } from "./handles";
import { RULER } from "./painter";
import { keyed, pick } from "./choosing";
import { INSET, dropTarget, focus, hinting, keepInSight, pixelsPerTick, quarter, zoom } from "./state";

const DRAG_FROM = 5;

/** The roll as hands need to know it. */
export interface Surface {
  frame: () => Frame;
  bands: () => Band[];
  handles: () => Handle[];
  show: (marquee: Box | null) => void;
}

/** Hears pointers and keys on the roll. */
export function listen(scroller: HTMLElement, surface: Surface): () => void {
  const ending = new AbortController();
  const on = <Kind extends keyof HTMLElementEventMap>(kind: Kind, does: (event: HTMLElementEventMap[Kind]) => void): void =>
    scroller.addEventListener(kind, does, { signal: ending.signal, passive: kind === "pointermove" });
  let from: { x: number; y: number; note: number | null; ruler: boolean; dragging: boolean; chosen: boolean } | null = null;

  const place = (event: PointerEvent): { x: number; y: number } => {
    const area = scroller.getBoundingClientRect();
    return { x: event.clientX - area.left, y: event.clientY - area.top };
  };
  const hit = (x: number, y: number, slack: number): number | null => noteAt(x, y, notes.value, surface.bands(), surface.frame(), slack);
  let held: Handle | null = null;
  const secondAt = (x: number): number => clock.value.seconds(tickAt(x, surface.frame()));

  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    const { x, y } = place(event);
    if (y > scroller.clientHeight) return; // the scroll bar
    held = event.pointerType === "touch" ? null : handleAt(x, y, surface.handles());
    if (held) {
      scroller.setPointerCapture(event.pointerId);
      return;
    }
    const note = y < RULER ? null : hit(x, y, event.pointerType === "touch" ? 10 : 2);
    const chosen = note !== null && selection.value.has(note);
    from = { x, y, note, ruler: y < RULER, dragging: false, chosen };
    if (event.pointerType === "touch") return;
    scroller.setPointerCapture(event.pointerId);
    if (from.ruler) seek(secondAt(x));
    else if (note !== null && !chosen) pick(note, addsTo(event));
  });

  on("pointermove", (event) => {
    const { x, y } = place(event);
    if (held) {
      const band = surface.bands().find((one) => one.part === held!.part);
      if (band) hinting.value = { kind: held.kind, part: held.part, value: saidAt(held.kind, x, y, band, surface.frame(), quarter()) };
      return;
    }
    if (!from) scroller.style.cursor = handleAt(x, y, surface.handles()) ? "grab" : "";
    if (!from || event.pointerType === "touch") return;
    if (!from.dragging && Math.hypot(x - from.x, y - from.y) < DRAG_FROM) return;
    from.dragging = true;
    if (from.ruler) {
      if (event.shiftKey) loop.value = loopOf(secondAt(from.x), secondAt(x));
      else seek(secondAt(x));
    } else if (from.note !== null) {
      dropTarget.value = partUnder(event, y, surface.bands());
    } else {
      surface.show(boxBetween(from, { x, y }));
    }
  });

  const finish = (event: PointerEvent): void => {
    if (held) {
      const said = hinting.value;
      held = hinting.value = null;
      if (said && event.type === "pointerup") void hint(said.kind, parts.value[said.part]!.name, said.value);
      return;
    }
    if (!from) return;
    const { x, y } = place(event);
    const { note, dragging, ruler } = from;
    const started = from;
    from = null;
    if (event.type === "pointercancel") {
      dropTarget.value = null;
      surface.show(null);
      return;
    }
    if (event.pointerType === "touch") {
      if (ruler) seek(secondAt(x));
      else if (note === null) selection.value = new Set();
      else pick(note, selection.value.size > 0);
    } else if (dragging && note !== null) {
      const target = dropTarget.value;
      dropTarget.value = null;
      if (target !== null) void assign(selection.value, parts.value[target]!.name);
    } else if (dragging && !ruler) {
      surface.show(null);
      const inside = notesIn(boxBetween(started, { x, y }), notes.value, surface.bands(), surface.frame());
      selection.value = new Set(event.shiftKey ? [...selection.value, ...inside] : inside);
    } else if (note === null && !ruler) {
      selection.value = new Set();
    } else if (note !== null && started.chosen) {
      pick(note, addsTo(event));
    }
  };
  on("pointerup", finish);
  on("pointercancel", finish);

  scroller.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { x } = place(event as unknown as PointerEvent);
      const tick = tickAt(x, surface.frame());
      zoom(Math.exp(-event.deltaY * 0.004));
      requestAnimationFrame(() => (scroller.scrollLeft = tick * pixelsPerTick() + INSET - x));
    },
    { signal: ending.signal, passive: false },
  );

  on("keydown", (event) => {
    if (keyed(event)) {
      event.preventDefault();
      event.stopPropagation();
      const note = focus.value === null ? null : notes.value[focus.value];
      if (note) keepInSight(scroller, xOf(note.onset, surface.frame()));
    }
  });
  on("focus", () => {
    if (scroller.matches(":focus-visible") && notes.value.length) focus.value = selection.value.size ? Math.min(...selection.value) : 0;
  });
  on("blur", () => (focus.value = null));
  return () => ending.abort();
}

/** The part whose row, button or lane lies under the pointer. */
function partUnder(event: PointerEvent, y: number, bands: readonly Band[]): number | null {
  const under = document.elementFromPoint(event.clientX, event.clientY)?.closest<HTMLElement>("[data-part]");
  if (under) return Number(under.dataset["part"]);
  if (bands.length < 2) return null;
  return bands.find((band) => y >= band.top && y < band.top + band.height)?.part ?? null;
}

/** Whether a click adds to what is selected. */
function addsTo(event: PointerEvent): boolean {
  return event.shiftKey || event.ctrlKey || event.metaKey;
}

function loopOf(a: number, b: number): { from: number; to: number } {
  return { from: Math.min(a, b), to: Math.max(a, b) };
}

function boxBetween(a: { x: number; y: number }, b: { x: number; y: number }): Box {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}
