/** The piano roll: what is played by whom, and where it is corrected. */

import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { pitchName } from "../sound/programs";
import { placeOf } from "../work/clock";
import type { ShownNote } from "../work/project";
import {
  assign, bars, clock, draft, hint, measured, notes, parts, project, say, selection, toggleLock, truths,
} from "../work/studio";
import { end, levels, loop, player, playing, position, seek } from "../work/transport";
import {
  type Band, type Box, type Direction, type Frame, type Layout, bandOver, bandsOf, neighbour, noteAt, notesIn, tickAt, xOf,
} from "./geometry";
import { type Handle, type HintKind, type Known, handleAt, handlesOf, saidAt } from "./handles";
import { type Palette, type Scene, RULER, paint, paintOverlay, paletteOf } from "./painter";

export const layout = signal<Layout>("together");
export const comparing = signal(false);
export const scale = signal(44);
/** The part that notes would go to if they were dropped now. */
export const dropTarget = signal<number | null>(null);
const focus = signal<number | null>(null);
/** What a handle would say if it were let go now. */
const hinting = signal<{ kind: HintKind; part: number; value: number } | null>(null);

/** Pixels to the left of the first tick. */
const INSET = 14;
const SOURCE_SHARE = 0.3;
const DRAG_FROM = 5;
const [NARROWEST, WIDEST] = [4, 400];

export function zoom(factor: number): void {
  scale.value = Math.min(WIDEST, Math.max(NARROWEST, scale.value * factor));
}

export function Roll() {
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => attach(scroller.current!), []);
  const width = Math.ceil(clock.value.tick(end.value) * pixelsPerTick()) + INSET + 80;
  const count = notes.value.length;
  return (
    <div
      class="roll"
      ref={scroller}
      tabIndex={0}
      role="application"
      aria-roledescription="piano roll"
      aria-label={`Piano roll, ${count} notes. Arrow keys move from note to note, with Shift they select; a number gives what is selected to that part; L locks.`}
    >
      <div class="roll-track" style={{ width: `${width}px` }}>
        <div class="roll-view">
          <canvas aria-hidden="true" />
          <canvas aria-hidden="true" />
        </div>
      </div>
    </div>
  );
}

function pixelsPerTick(): number {
  return scale.value / quarter();
}

/** Joins the elements to the state: paints when something changes, hears pointers and keys. */
function attach(scroller: HTMLDivElement): () => void {
  const [below, above] = [...scroller.querySelectorAll("canvas")] as [HTMLCanvasElement, HTMLCanvasElement];
  const paper = below.getContext("2d", { alpha: false })!;
  const overlay = above.getContext("2d")!;
  let palette: Palette = paletteOf(scroller);
  let [width, height] = [0, 0];
  let marquee: Box | null = null;
  let due = { notes: false, overlay: false };

  const frame = (): Frame => ({ left: scroller.scrollLeft - INSET, width, scale: pixelsPerTick() });
  const bands = (): Band[] => {
    const top = RULER + (sourceBand()?.height ?? 0);
    const all = draft.value ? [...notes.value, ...draftNotes()] : notes.value;
    return bandsOf(all, parts.value.length, layout.value, top, height - top);
  };
  const handles = (lanes: readonly Band[]): Handle[] =>
    measured.value || draft.value ? [] : handlesOf(notes.value, lanes, frame(), known(), quarter());
  const sourceBand = (): Band | null =>
    comparing.value && notes.value.length ? bandOver(notes.value, null, RULER, (height - RULER) * SOURCE_SHARE) : null;

  const request = (what: "notes" | "overlay"): void => {
    if (!due.notes && !due.overlay) requestAnimationFrame(repaint);
    due[what] = true;
  };
  const repaint = (): void => {
    const ratio = devicePixelRatio || 1;
    if (due.notes) {
      paper.setTransform(ratio, 0, 0, ratio, 0, 0);
      const lanes = bands();
      paint(paper, height, scene(lanes, sourceBand(), handles(lanes)), frame(), palette);
    }
    overlay.setTransform(ratio, 0, 0, ratio, 0, 0);
    const range = loop.value;
    const looped = range ? ([clock.value.tick(range.from), clock.value.tick(range.to)] as [number, number]) : null;
    const target = layout.value === "lanes" ? bands().find((band) => band.part === dropTarget.value) : undefined;
    paintOverlay(overlay, height, frame(), palette, { tick: clock.value.tick(position.value), loop: looped, marquee, target: target ?? null });
    due = { notes: false, overlay: false };
  };

  const resized = new ResizeObserver(() => {
    const ratio = devicePixelRatio || 1;
    [width, height] = [scroller.clientWidth, scroller.clientHeight];
    for (const canvas of [below, above]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    request("notes");
  });
  resized.observe(scroller);

  const themed = (): void => {
    palette = paletteOf(scroller);
    request("notes");
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", themed);
  const theme = new MutationObserver(themed);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });

  const stops = [
    effect(() => {
      scene([], null, []);
      known();
      void [layout.value, comparing.value, scale.value, draft.value, clock.value];
      request("notes");
    }),
    effect(() => {
      void [position.value, loop.value, dropTarget.value];
      request("overlay");
      if (playing.peek()) keepInSight(scroller, xOf(clock.peek().tick(position.value), frame()));
    }),
    effect(() => {
      const last = draft.value?.notes.at(-1);
      if (last && !playing.peek()) requestAnimationFrame(() => keepInSight(scroller, xOf(last.onset, frame())));
    }),
    listen(scroller, { frame, bands, handles: () => handles(bands()), show: (box) => ((marquee = box), request("overlay")) }),
  ];
  const scrolled = (): void => request("notes");
  scroller.addEventListener("scroll", scrolled, { passive: true });
  return () => {
    resized.disconnect();
    theme.disconnect();
    dark.removeEventListener("change", themed);
    scroller.removeEventListener("scroll", scrolled);
    for (const stop of stops) stop();
  };
}

function quarter(): number {
  return project.value.arrangement?.resolution ?? 480;
}

/** What is known of each part, with what is about to be said of one. */
function known(): Known[] {
  const { entries, meanPitch } = project.value;
  const about = hinting.value;
  return parts.value.map(({ name }, part) => ({
    entries: entries[name],
    meanPitch: meanPitch[name],
    ...(about?.part === part ? { [about.kind]: about.value } : {}),
  }));
}

function scene(bands: readonly Band[], sourceBand: Band | null, handles: readonly Handle[]): Scene {
  return {
    notes: notes.value,
    longest: notes.value.reduce((most, note) => Math.max(most, note.duration), 0),
    bands,
    sourceBand,
    names: parts.value.map((part) => part.name),
    bars: bars.value,
    beat: quarter(),
    truths: truths.value,
    draft: draftNotes(),
    heard: levels.value.map((level) => level.heard),
    selection: selection.value,
    focus: focus.value,
    handles,
  };
}

function draftNotes(): { onset: number; duration: number; pitch: number; part: number }[] {
  return (draft.value?.notes ?? []).map((note) => ({ ...note, part: 0 }));
}

function keepInSight(scroller: HTMLElement, x: number): void {
  const width = scroller.clientWidth;
  if (x < 0 || x > width * 0.86) scroller.scrollLeft += x - width * 0.14;
}

interface Surface {
  frame: () => Frame;
  bands: () => Band[];
  handles: () => Handle[];
  show: (marquee: Box | null) => void;
}

/** Hears pointers and keys on the roll. */
function listen(scroller: HTMLElement, surface: Surface): () => void {
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

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
};

/** Whether a key meant something to the roll. */
function keyed(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key.toLowerCase() !== "a" || event.altKey) return false;
    selection.value = new Set(notes.value.keys());
    say(`${notes.value.length} notes selected`);
    return true;
  }
  const direction = DIRECTIONS[event.key];
  if (direction && notes.value.length) {
    const next = neighbour(notes.value, focus.value ?? 0, direction);
    pick(next, event.shiftKey);
    return true;
  }
  if (/^[1-9]$/.test(event.key)) {
    const part = parts.value[Number(event.key) - 1];
    if (part) void assign(selection.value, part.name);
    return true;
  }
  if (event.key.toLowerCase() === "l") {
    void toggleLock(selection.value);
    return true;
  }
  if (event.key === "Enter" && focus.value !== null) {
    const note = notes.value[focus.value];
    if (note) seek(note.start);
    return true;
  }
  if (event.key === "Escape" && selection.value.size) {
    selection.value = new Set();
    return true;
  }
  return false;
}

/** Selects a note, sounds it and says what it is. */
function pick(n: number, more: boolean): void {
  const note = notes.value[n];
  if (!note) return;
  const chosen = new Set(more ? selection.value : []);
  if (more && chosen.has(n)) chosen.delete(n);
  else chosen.add(n);
  selection.value = chosen;
  focus.value = n;
  say(described(note));
  if (!playing.value && navigator.userActivation?.hasBeenActive !== false) sound(note);
}

export function described(note: ShownNote): string {
  const part = parts.value[note.part]?.name ?? "";
  const { bar, beat } = placeOf(note.onset, bars.value, quarter());
  const sure = note.locked ? "locked" : `${Math.round(100 * note.confidence)} % sure`;
  return `${pitchName(note.pitch)}, ${part}, ${sure}, bar ${bar}, beat ${beat}`;
}

function sound(note: ShownNote): void {
  const part = parts.value[note.part];
  if (!part || measured.value) return;
  const program = project.value.sounds[part.name]?.program ?? part.program;
  const voice = player.strike(program, note.part, note.pitch, note.velocity);
  setTimeout(() => voice.release(), Math.min(500, 1000 * note.length));
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
