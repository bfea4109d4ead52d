/** The piano roll: what is played by whom, and where it is corrected. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { bars, clock, draft, measured, notes, parts, project, selection, truths } from "../work/studio";
import { end, levels, loop, playing, position } from "../work/transport";
import { type Band, type Box, type Frame, bandOver, bandsOf, xOf } from "./geometry";
import { type Handle, type Known, handlesOf } from "./handles";
import { listen } from "./hands";
import { type Palette, type Scene, RULER, paint, paintOverlay, paletteOf } from "./painter";
import { INSET, comparing, dropTarget, focus, hinting, keepInSight, layout, pixelsPerTick, quarter, scale } from "./state";

const SOURCE_SHARE = 0.3;

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
