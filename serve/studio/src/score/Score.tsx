/** The engraved score, following playback. */

import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { attempt } from "../work/attempts";
import { clock, exported, parts, project, title } from "../work/studio";
import { Refusal } from "../api/client";
import { playing, position } from "../work/transport";
import { IconButton } from "../views/Header";
import { drawingOf, onePart } from "./drawing";
import type { Engraving, EngravingRequest, Turn } from "./engraver";

/** The part that is shown alone; null: all. */
const alone = signal<number | null>(null);
const [WIDEST, NARROWEST] = [2970, 1000];

let worker: Worker | null = null;
let lastNumber = 0;

export function Score() {
  const paper = useRef<HTMLDivElement>(null);
  const { arrangement, choice, locks } = project.value;
  useEffect(() => {
    let stop = (): void => undefined;
    let left = false;
    void attempt("Engraving", async () => {
      const musicxml = await (await exported("application/vnd.recordare.musicxml+xml")).text();
      const shown = alone.value === null ? musicxml : onePart(musicxml, alone.value);
      const engraving = await engrave(shown, paper.current?.clientWidth ?? 1000);
      if (left || !paper.current) return;
      paper.current.replaceChildren(...engraving.pages.map(drawingOf).filter((page) => page !== null));
      stop = follow(paper.current, engraving.turns);
    }, null);
    return () => {
      left = true;
      stop();
    };
  }, [arrangement, choice, locks, alone.value]);
  return (
    <section class="score" aria-label="Score">
      <div class="stage-bar">
        <label>
          <span class="visually-hidden">Parts shown</span>
          <select value={String(alone.value ?? "all")} onChange={(event) => (alone.value = event.currentTarget.value === "all" ? null : Number(event.currentTarget.value))}>
            <option value="all">Full score</option>
            {parts.value.map((part, n) => <option key={part.name} value={String(n)}>{part.name}</option>)}
          </select>
        </label>
        <IconButton label="Print, or save as PDF" icon="print" onClick={() => print()} />
      </div>
      <div class="score-scroller" tabIndex={0} role="region" aria-label="Pages">
        <h2 class="score-title">{title.value}</h2>
        <div class="score-paper" ref={paper} role="img" aria-label={`Score of ${title.value} for ${parts.value.map((part) => part.name).join(", ")}`} />
      </div>
    </section>
  );
}

async function engrave(musicxml: string, width: number): Promise<Engraving> {
  worker ??= new Worker(new URL("engraver.js", import.meta.url), { type: "module" });
  const number = (lastNumber += 1);
  const pageWidth = Math.min(WIDEST, Math.max(NARROWEST, Math.round(width * 2.5)));
  const done = await new Promise<Engraving>((resolve, reject) => {
    const hear = (event: MessageEvent<Engraving>): void => {
      if (event.data.number !== number) return;
      worker!.removeEventListener("message", hear);
      resolve(event.data);
    };
    worker!.addEventListener("message", hear);
    worker!.onerror = () => {
      worker = null;
      reject(new Refusal(0, "The score cannot be engraved in this browser.", "Download MusicXML and open it elsewhere."));
    };
    worker!.postMessage({ number, musicxml, pageWidth } satisfies EngravingRequest);
  });
  if (done.font) document.fonts.add(await new FontFace("Leipzig", done.font).load());
  if (done.problem) throw new Refusal(422, done.problem, "The roll shows it all the same.");
  return done;
}

/** Marks the notes that sound, and keeps them in sight. */
function follow(paper: HTMLElement, turns: readonly Turn[]): () => void {
  let marked = new Set<string>();
  return effect(() => {
    const resolution = project.peek().arrangement?.resolution ?? 480;
    const quarter = clock.peek().tick(position.value) / resolution + 1e-6;
    const sounding = new Set<string>();
    for (const turn of turns) {
      if (turn.quarter > quarter) break;
      for (const id of turn.off) sounding.delete(id);
      for (const id of turn.on) sounding.add(id);
    }
    for (const id of marked) if (!sounding.has(id)) noteOf(paper, id)?.classList.remove("sounding");
    for (const id of sounding) if (!marked.has(id)) noteOf(paper, id)?.classList.add("sounding");
    const [first] = sounding;
    if (playing.peek() && first && !marked.has(first)) showSystem(noteOf(paper, first));
    marked = sounding;
  });
}

function noteOf(paper: HTMLElement, id: string): Element | null {
  return paper.querySelector(`#${CSS.escape(id)}`);
}

function showSystem(note: Element | null): void {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  note?.closest(".system")?.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}
