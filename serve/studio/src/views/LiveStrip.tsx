/** What has just been played, flowing to the left. */

import { useEffect, useRef } from "preact/hooks";
import { type Palette, opacityOf, paletteOf } from "../roll/painter";
import { began, liveNotes, state } from "../work/live";

const SHOWN_SECONDS = 10;
const [LOWEST, HIGHEST] = [30, 90];

export function LiveStrip() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const on = state.value === "on";
  useEffect(() => {
    let request = 0;
    const palette = paletteOf(canvas.current!);
    const step = (): void => {
      draw(canvas.current!, palette);
      if (on) request = requestAnimationFrame(step);
    };
    step();
    return () => cancelAnimationFrame(request);
  }, [on]);
  return <canvas class="live-strip" ref={canvas} role="img" aria-label={`${liveNotes.value.length} notes played`} />;
}

function draw(canvas: HTMLCanvasElement, palette: Palette): void {
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const paper = canvas.getContext("2d")!;
  const notes = liveNotes.peek();
  const lastKnown = notes.reduce((last, note) => Math.max(last, note.end ?? note.time), 0);
  const now = state.peek() === "on" ? (performance.now() - began.peek()) / 1000 : lastKnown + 0.2;
  paper.setTransform(ratio, 0, 0, ratio, 0, 0);
  paper.fillStyle = palette.paper;
  paper.fillRect(0, 0, width, height);
  const row = height / (HIGHEST - LOWEST);
  for (const note of notes) {
    const until = Math.max(note.time + 0.05, note.end ?? now);
    const x = width * (1 - (now - note.time) / SHOWN_SECONDS);
    const long = (width * (until - note.time)) / SHOWN_SECONDS;
    if (x + long < 0) continue;
    paper.globalAlpha = opacityOf(note.confidence);
    paper.fillStyle = palette.parts[Math.max(0, note.part) % palette.parts.length]!;
    paper.fillRect(x, (HIGHEST - note.pitch) * row, Math.max(2, long), Math.max(4, row * 1.4));
  }
  paper.globalAlpha = 1;
}
