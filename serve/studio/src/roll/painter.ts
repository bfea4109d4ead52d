/** Paints the roll. Knows canvases and colours; not what a person does with them. */

import type { ShownNote } from "../work/project";
import type { Handle } from "./handles";
import { type Band, type Box, type Frame, type Pitched, bandOf, boxOf, visible, xOf, yOf } from "./geometry";

export interface Palette {
  parts: readonly string[];
  source: readonly string[];
  paper: string;
  stripe: string;
  line: string;
  bar: string;
  text: string;
  faint: string;
  accent: string;
  wrong: string;
}

/** All that is painted of the music. */
export interface Scene {
  notes: readonly ShownNote[];
  longest: number;
  bands: readonly Band[];
  names: readonly string[];
  /** Where the source is shown above, if it is. */
  sourceBand: Band | null;
  bars: readonly number[];
  beat: number;
  truths: readonly number[] | null;
  draft: readonly (Pitched & { confidence?: number })[];
  heard: readonly boolean[];
  selection: ReadonlySet<number>;
  focus: number | null;
  handles: readonly Handle[];
}

/** What lies over the music: where it is, what is looped, framed, or about to be dropped on. */
export interface Over {
  tick: number;
  loop: [number, number] | null;
  marquee: Box | null;
  target: Band | null;
}

export const RULER = 24;
const PART_COLOURS = 8;
const BLACK_KEYS = new Set([1, 3, 6, 8, 10]);

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    parts: Array.from({ length: PART_COLOURS }, (_, n) => read(`part-${n}`)),
    source: [read("source-0"), read("source-1")],
    paper: read("paper"),
    stripe: read("stripe"),
    line: read("roll-line"),
    bar: read("roll-bar"),
    text: read("text"),
    faint: read("text-soft"),
    accent: read("accent"),
    wrong: read("wrong"),
  };
}

export function opacityOf(confidence: number): number {
  return 0.28 + 0.72 * Math.min(1, Math.max(0, confidence)) ** 1.5;
}

export function paint(canvas: CanvasRenderingContext2D, height: number, scene: Scene, frame: Frame, palette: Palette): void {
  canvas.fillStyle = palette.paper;
  canvas.fillRect(0, 0, frame.width, height);
  for (const band of scene.bands) paintBand(canvas, band, frame, palette);
  if (scene.sourceBand) paintBand(canvas, scene.sourceBand, frame, palette);
  paintGrid(canvas, height, scene, frame, palette);
  if (scene.sourceBand) paintSource(canvas, scene, scene.sourceBand, frame, palette);
  paintNotes(canvas, scene, frame, palette);
  paintDraft(canvas, scene, frame, palette);
  paintNames(canvas, scene, palette);
  for (const handle of scene.handles) paintHandle(canvas, handle, frame, palette);
}

export function paintOverlay(canvas: CanvasRenderingContext2D, height: number, frame: Frame, palette: Palette, over: Over): void {
  const { tick, loop, marquee, target } = over;
  canvas.clearRect(0, 0, frame.width, height);
  if (target) {
    canvas.fillStyle = palette.accent;
    canvas.globalAlpha = 0.14;
    canvas.fillRect(0, target.top, frame.width, target.height);
    canvas.globalAlpha = 1;
  }
  if (loop) {
    const [from, to] = [xOf(loop[0], frame), xOf(loop[1], frame)];
    canvas.fillStyle = palette.accent;
    canvas.globalAlpha = 0.1;
    canvas.fillRect(from, 0, to - from, height);
    canvas.globalAlpha = 0.8;
    canvas.fillRect(from, RULER - 3, to - from, 3);
    canvas.globalAlpha = 1;
  }
  const x = Math.round(xOf(tick, frame));
  canvas.fillStyle = palette.accent;
  canvas.fillRect(x - 0.5, 0, 1.5, height);
  canvas.beginPath();
  canvas.moveTo(x - 6, 0);
  canvas.lineTo(x + 6, 0);
  canvas.lineTo(x, 9);
  canvas.fill();
  if (marquee) {
    canvas.strokeStyle = palette.accent;
    canvas.setLineDash([4, 3]);
    canvas.strokeRect(marquee.x + 0.5, marquee.y + 0.5, marquee.width, marquee.height);
    canvas.setLineDash([]);
  }
}

function paintBand(canvas: CanvasRenderingContext2D, band: Band, frame: Frame, palette: Palette): void {
  const row = band.height / (band.high - band.low + 1);
  canvas.fillStyle = palette.stripe;
  if (row >= 3) {
    for (let pitch = Math.ceil(band.low); pitch <= band.high; pitch += 1) {
      if (BLACK_KEYS.has(((pitch % 12) + 12) % 12)) canvas.fillRect(0, yOf(pitch, band) - row / 2, frame.width, row);
    }
  }
  canvas.fillStyle = palette.line;
  canvas.fillRect(0, Math.round(band.top), frame.width, 1);
}

function paintGrid(canvas: CanvasRenderingContext2D, height: number, scene: Scene, frame: Frame, palette: Palette): void {
  canvas.fillStyle = palette.paper;
  canvas.fillRect(0, 0, frame.width, RULER);
  canvas.font = "11px system-ui, sans-serif";
  canvas.textBaseline = "middle";
  const { bars } = scene;
  const typical = (bars[2] ?? 4 * scene.beat) - (bars[1] ?? 0);
  const every = Math.max(1, 2 ** Math.ceil(Math.log2(46 / Math.max(1, typical * frame.scale))));
  bars.forEach((tick, n) => {
    const x = Math.round(xOf(tick, frame));
    if (x < -typical * frame.scale || x > frame.width) return;
    if (n % every === 0) {
      canvas.fillStyle = palette.bar;
      canvas.fillRect(x, 0, 1, height);
      canvas.fillStyle = palette.faint;
      canvas.fillText(String(n + 1), x + 5, RULER / 2);
    } else {
      canvas.fillStyle = palette.line;
      canvas.fillRect(x, RULER, 1, height - RULER);
    }
    if (scene.beat * frame.scale < 18) return;
    canvas.fillStyle = palette.line;
    const next = bars[n + 1] ?? tick + typical;
    for (let beat = tick + scene.beat; beat < next - 1; beat += scene.beat) {
      canvas.fillRect(Math.round(xOf(beat, frame)), RULER, 1, height - RULER);
    }
  });
  canvas.fillStyle = palette.bar;
  canvas.fillRect(0, RULER - 1, frame.width, 1);
}

function paintSource(canvas: CanvasRenderingContext2D, scene: Scene, band: Band, frame: Frame, palette: Palette): void {
  const [from, to] = visible(scene.notes, scene.longest, frame);
  for (let n = from; n < to; n += 1) {
    const note = scene.notes[n]!;
    const box = boxOf(note, band, frame);
    canvas.fillStyle = palette.source[note.track % palette.source.length]!;
    canvas.fillRect(box.x, box.y, box.width, box.height);
  }
  canvas.fillStyle = palette.bar;
  canvas.fillRect(0, band.top + band.height - 1, frame.width, 1);
}

function paintNotes(canvas: CanvasRenderingContext2D, scene: Scene, frame: Frame, palette: Palette): void {
  const [from, to] = visible(scene.notes, scene.longest, frame);
  for (let n = from; n < to; n += 1) {
    const note = scene.notes[n]!;
    const box = boxOf(note, bandOf(note, scene.bands), frame);
    canvas.globalAlpha = opacityOf(note.confidence) * (scene.heard[note.part] === false ? 0.35 : 1);
    canvas.fillStyle = palette.parts[note.part % palette.parts.length]!;
    canvas.fillRect(box.x, box.y, box.width, box.height);
    if (note.locked) paintLock(canvas, box, palette);
    const truth = scene.truths?.[n];
    if (truth !== undefined && truth !== note.part) paintMistake(canvas, box, palette.parts[truth % palette.parts.length]!, palette);
  }
  canvas.globalAlpha = 1;
  for (const n of scene.selection) outline(canvas, scene, n, frame, palette.text, 2);
  if (scene.focus !== null) outline(canvas, scene, scene.focus, frame, palette.accent, 2, 3);
}

function paintLock(canvas: CanvasRenderingContext2D, box: Box, palette: Palette): void {
  canvas.globalAlpha = 1;
  canvas.fillStyle = palette.paper;
  const side = Math.min(5, box.height - 2, box.width - 1);
  canvas.fillRect(box.x + 2, box.y + (box.height - side) / 2, side, side);
}

/** The colour of the true part stands within a frame. */
function paintMistake(canvas: CanvasRenderingContext2D, box: Box, truth: string, palette: Palette): void {
  canvas.globalAlpha = 1;
  canvas.fillStyle = truth;
  canvas.fillRect(box.x, box.y + box.height / 2, box.width, box.height / 2);
  canvas.strokeStyle = palette.wrong;
  canvas.lineWidth = 1.5;
  canvas.strokeRect(box.x - 1.5, box.y - 1.5, box.width + 3, box.height + 3);
}

function outline(
  canvas: CanvasRenderingContext2D, scene: Scene, n: number, frame: Frame, colour: string, width: number, away = 0,
): void {
  const note = scene.notes[n];
  if (!note) return;
  const box = boxOf(note, bandOf(note, scene.bands), frame);
  canvas.strokeStyle = colour;
  canvas.lineWidth = width;
  canvas.strokeRect(box.x - away, box.y - away, box.width + 2 * away, box.height + 2 * away);
}

function paintDraft(canvas: CanvasRenderingContext2D, scene: Scene, frame: Frame, palette: Palette): void {
  canvas.strokeStyle = palette.accent;
  canvas.fillStyle = palette.accent;
  canvas.lineWidth = 1.25;
  for (const note of scene.draft) {
    const box = boxOf(note, bandOf(note, scene.bands), frame);
    if (box.x > frame.width || box.x + box.width < 0) continue;
    canvas.globalAlpha = 0.25;
    canvas.fillRect(box.x, box.y, box.width, box.height);
    canvas.globalAlpha = 1;
    canvas.strokeRect(box.x + 0.5, box.y + 0.5, Math.max(2, box.width - 1), box.height - 1);
  }
}

/** A flag where a part first plays, an arrow at its mean pitch; full where somebody has set it. */
function paintHandle(canvas: CanvasRenderingContext2D, { kind, part, x, y, known }: Handle, frame: Frame, palette: Palette): void {
  canvas.fillStyle = canvas.strokeStyle = palette.parts[part % palette.parts.length]!;
  canvas.lineWidth = 1.5;
  if (known && kind === "meanPitch") {
    canvas.globalAlpha = 0.5;
    canvas.fillRect(0, y - 0.5, frame.width, 1);
    canvas.globalAlpha = 1;
  }
  canvas.beginPath();
  const corners = kind === "entries" ? [[-5, -4], [5, -4], [0, 5]] : [[-4, -5], [5, 0], [-4, 5]];
  for (const [dx, dy] of corners) canvas.lineTo(x + dx!, y + dy!);
  canvas.closePath();
  if (known) canvas.fill();
  canvas.stroke();
}

function paintNames(canvas: CanvasRenderingContext2D, scene: Scene, palette: Palette): void {
  canvas.font = "600 11px system-ui, sans-serif";
  canvas.textBaseline = "top";
  for (const band of scene.bands) {
    if (band.part !== null) paintName(canvas, scene.names[band.part] ?? "", band, palette.parts[band.part % palette.parts.length]!, palette);
  }
  if (scene.sourceBand) paintName(canvas, "Source", scene.sourceBand, palette.faint, palette);
}

function paintName(canvas: CanvasRenderingContext2D, name: string, band: Band, colour: string, palette: Palette): void {
  const width = canvas.measureText(name).width;
  canvas.fillStyle = palette.paper;
  canvas.globalAlpha = 0.85;
  canvas.fillRect(16, band.top + 4, width + 18, 17);
  canvas.globalAlpha = 1;
  canvas.fillStyle = colour;
  canvas.fillRect(20, band.top + 9, 6, 6);
  canvas.fillStyle = palette.text;
  canvas.fillText(name, 30, band.top + 7);
}
