/** The studio: what a person has made, what is being done for them, and what they may do next.
 *
 * All state that several views share lives here as signals; views read it and call the actions.
 */

import { batch, computed, effect, signal } from "@preact/signals";
import { Refusal, ask, askEvents, askJson } from "../api/client";
import type {
  Arrangement, Continuation, Ensemble, Evaluation, Example, Model, Mode, TimedNote,
} from "../api/forms";
import { attempt, counted, message, say } from "./attempts";
import { Clock, barLines } from "./clock";
import { type History, amend, begin, commit, redo, undo } from "./history";
import { keep, kept } from "./keeping";
import { packed, unpacked, LONGEST } from "./link";
import {
  type PartSound, type Project, type ShownNote, type Source, PLAIN_SOUND, arrangingOptions, assigned, begun,
  lockToggled, requestBody, shown, shownNotes, shownOptions, titleOf, withEnsemble, withSource,
} from "./project";

const CHORALE: Ensemble = {
  name: "chorale",
  parts: [
    { name: "Soprano", program: 52, low: 57, high: 81, voices: 1 },
    { name: "Alto", program: 52, low: 50, high: 74, voices: 1 },
    { name: "Tenor", program: 52, low: 41, high: 69, voices: 1 },
    { name: "Bass", program: 52, low: 36, high: 64, voices: 1 },
  ],
};
/** Under which the work is kept; another form of it needs another name. */
const KEPT_AS = "work 1";
const KEPT_PAST = 20;
const SAVE_AFTER = 400;
const NO_MUSIC: Source = { kind: "notes", title: "New piece", music: { notes: [], resolution: 480, tempos: [], meters: [] } };

/** A continuation that is being made, or waits to be kept. */
export interface Draft {
  notes: readonly TimedNote[];
  finished: Continuation | null;
  seed: number;
  wish: ContinuationWish;
}

export interface ContinuationWish {
  extent: { bars: number } | { seconds: number } | { until_silence: number };
  temperature: number;
  tempo: number | null;
  style: string | null;
  model: string | null;
}

export type View = "arrange" | "score" | "live";

const history = signal<History<Project>>(begin(begun(CHORALE)));
export const project = computed(() => history.value.present);
export const canUndo = computed(() => history.value.past.length > 0);
export const canRedo = computed(() => history.value.future.length > 0);

export const selection = signal<ReadonlySet<number>>(new Set());
export const view = signal<View>("arrange");
export const measured = signal<Evaluation | null>(null);
export const draft = signal<Draft | null>(null);
export const ownEnsembles = signal<readonly Ensemble[]>([]);
export const ensembles = signal<readonly Ensemble[]>([CHORALE]);
export const examples = signal<readonly Example[]>([]);
export const models = signal<readonly Model[]>([]);

/** The notes on the roll: the arrangement, or what was measured. */
export const notes = computed<readonly ShownNote[]>(() => {
  const piece = measured.value?.pieces[0];
  if (!piece) return shownNotes(project.value);
  const parts = measured.value!.parts;
  return piece.notes.map((note) => shown(note, parts.indexOf(note.part), note.confidence, false, note.runner_up));
});

/** Of each note the part that is true, while something is measured. */
export const truths = computed<readonly number[] | null>(() => {
  const evaluation = measured.value;
  return evaluation?.pieces[0]?.notes.map((note) => evaluation.parts.indexOf(note.truth)) ?? null;
});

export const parts = computed(() => project.value.ensemble.parts);
export const clock = computed(() => {
  const arrangement = project.value.arrangement;
  return new Clock(arrangement?.tempos ?? [], arrangement?.resolution ?? 480);
});
export const bars = computed(() => {
  const arrangement = project.value.arrangement;
  if (!arrangement) return [];
  const ends = [...notes.value.slice(-200), ...(draft.value?.notes ?? [])].map((note) => note.onset + note.duration);
  const last = Math.max(0, ...ends);
  return barLines(arrangement.meters, arrangement.resolution, last);
});
export const seconds = computed(() => project.value.arrangement?.seconds ?? 0);
export const title = computed(() => project.value.source?.title ?? "");

/** Whether the source names parts of the ensemble, so that arranging it can be measured. */
export const measurable = computed(() => {
  const named = project.value.arrangement?.tracks.map((track) => track.part).filter((part) => part !== null) ?? [];
  return project.value.source?.kind === "file" && new Set(named).size > 1;
});

let underWay = new AbortController();

export async function start(): Promise<void> {
  await restore();
  effect(saveLater);
  await attempt(null, async () => {
    const [known, pieces, there] = await Promise.all([
      askJson<Ensemble[]>("/v1/ensembles"),
      askJson<Example[]>("/v1/examples"),
      askJson<Model[]>("/v1/models"),
    ]);
    batch(() => {
      ensembles.value = known;
      examples.value = pieces;
      models.value = there;
    });
  }, start);
  await openLink();
}

export async function openFile(file: File): Promise<void> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  await openSource({ kind: "file", name: file.name, title: titleOf(file.name), bytes });
}

export async function openExample(example: Example): Promise<void> {
  await attempt(`Fetching ${example.title}`, async () => {
    const bytes = new Uint8Array(await (await ask(example.url)).arrayBuffer());
    const made = ensembles.value.find((ensemble) => ensemble.name === example.ensemble);
    const source: Source = { kind: "file", name: example.name, title: example.title, bytes };
    await openSource(source, made ? withEnsemble(project.value, made, true) : project.value);
  }, () => openExample(example));
}

/** Other music. What was there stays until the new can be shown. */
export async function openSource(source: Source, base: Project = project.value): Promise<void> {
  await arrangeAs(withSource(base, source));
}

export async function chooseEnsemble(ensemble: Ensemble, builtIn: boolean): Promise<void> {
  await arrangeAs(withEnsemble(project.value, ensemble, builtIn));
}

export async function chooseMode(mode: Mode): Promise<void> {
  await arrangeAs({ ...project.value, mode, choice: 0 });
}

/** What is known of a part beforehand; null forgets it. */
export async function hint(kind: "entries" | "meanPitch", part: string, value: number | null): Promise<void> {
  const { [part]: _, ...others } = project.value[kind];
  const hints = value === null ? others : { ...others, [part]: value };
  change({ ...project.value, [kind]: hints, choice: 0 });
  await resolve();
}

/** Gives notes to a part for good; the rest is decided anew around them. */
export async function assign(chosen: Iterable<number>, part: string): Promise<void> {
  const list = [...chosen];
  if (list.length === 0 || measured.value) return;
  change(assigned(project.value, list, part));
  say(`${counted(list.length, "note")} to ${part}, locked`);
  await resolve();
}

export async function toggleLock(chosen: Iterable<number>): Promise<void> {
  const list = [...chosen];
  if (list.length === 0 || measured.value) return;
  const next = lockToggled(project.value, list);
  say(next.locks.has(list[0]!) ? `${counted(list.length, "note")} locked` : `${counted(list.length, "note")} free`);
  change(next);
  await resolve();
}

export function chooseAlternative(choice: number): void {
  change({ ...project.value, choice });
}

/** Looks for other arrangements that are nearly as likely. */
export async function findAlternatives(): Promise<void> {
  await resolve("Looking for others", 3);
  if (project.value.arrangement?.alternatives.length === 0) say("There is no other arrangement worth hearing");
}

/** How a part sounds. Changes of one `gesture` are undone together. */
export function soundPart(part: string, sound: Partial<PartSound>, gesture: string): void {
  const { sounds } = project.value;
  const next = { ...PLAIN_SOUND, ...sounds[part], ...sound };
  change({ ...project.value, sounds: { ...sounds, [part]: next } }, gesture);
}

export function undoChange(): void {
  travel(undo(history.value), "Undone");
}

export function redoChange(): void {
  travel(redo(history.value), "Done again");
}

export async function measure(): Promise<void> {
  const { source, ensemble, builtIn, mode } = project.value;
  if (!source) return;
  const wish = { ensemble: builtIn ? ensemble.name : ensemble, mode };
  await attempt("Measuring", async () => {
    const request = requestBody(source, wish);
    const evaluation = await askJson<Evaluation>("/v1/evaluations", { method: "POST", ...request, signal: afresh() });
    batch(() => {
      selection.value = new Set();
      measured.value = evaluation;
    });
  }, measure);
}

/** Goes on from the piece; its notes come one by one. */
export async function continuePiece(wish: ContinuationWish, seed: number): Promise<void> {
  const request = continuationRequest(wish, seed);
  draft.value = { notes: [], finished: null, seed, wish };
  await attempt("Writing", async () => {
    for await (const event of askEvents("/v1/continuations", { method: "POST", ...request, signal: afresh() })) {
      const now = draft.value;
      if (!now) return;
      if (event.name === "note") draft.value = { ...now, notes: [...now.notes, JSON.parse(event.data)] };
      else if (event.name === "finished") draft.value = { ...now, finished: JSON.parse(event.data) };
      else if (event.name === "problem") throw new Refusal(500, JSON.parse(event.data).detail, "Try again.");
    }
  }, () => continuePiece(wish, seed));
  if (!draft.value?.finished) draft.value = null;
}

/** What was written becomes part of the piece, and the whole is arranged. */
export async function keepDraft(): Promise<void> {
  const written = draft.value;
  const whole = written?.finished;
  if (!whole) return;
  const { locks } = project.value;
  const given = whole.notes.flatMap((note, n) => (note.new ? [] : [n]));
  const kept = new Map([...locks].map(([note, part]) => [given[note] ?? note, part]));
  await attempt("Keeping it", async () => {
    // Notes alone would lose the drums; the same seed gives the same notes, as a file.
    const source = whole.drums.length ? await writtenFile(written.wish, written.seed) : writtenNotes(whole);
    await arrangeAs({ ...withSource(project.value, source), locks: kept });
  }, keepDraft);
}

function continuationRequest(wish: ContinuationWish, seed: number): { body: BodyInit; headers: Record<string, string> } {
  const { source } = project.value;
  const { extent, temperature, tempo, style, model } = wish;
  const options = { ...extent, temperature, tempo, style, model, seed };
  return requestBody(source ?? NO_MUSIC, options);
}

function writtenNotes(whole: Continuation): Source {
  const notes = whole.notes.map(({ onset, pitch, duration, velocity }) => ({ onset, pitch, duration, velocity }));
  const { resolution, tempos, meters } = whole;
  return { kind: "notes", title: title.value || NO_MUSIC.title, music: { notes, resolution, tempos, meters } };
}

async function writtenFile(wish: ContinuationWish, seed: number): Promise<Source> {
  const { body, headers } = continuationRequest(wish, seed);
  const answer = await ask("/v1/continuations", { method: "POST", body, headers: { ...headers, Accept: "audio/midi" } });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { kind: "file", name: `${title.value}.mid`, title: title.value, bytes };
}

export function dropDraft(): void {
  underWay.abort();
  draft.value = null;
}

export function stop(): void {
  underWay.abort();
}

/** The arrangement as it is shown, in another form. */
export async function exported(type: string): Promise<Blob> {
  const { source } = project.value;
  if (!source) throw new Refusal(0, "There is no music yet.", "Open a file first.");
  const request = requestBody(source, shownOptions(project.value));
  const headers = { ...request.headers, Accept: type };
  return (await ask("/v1/arrangements", { method: "POST", body: request.body, headers })).blob();
}

/** A link that opens this arrangement again. */
export async function link(): Promise<string> {
  const fragment = await packed(project.value);
  if (fragment.length > LONGEST) {
    throw new Refusal(0, "This piece is too long for a link.", "Download it as MIDI or JSON and send the file.");
  }
  return `${location.origin}${location.pathname}#${fragment}`;
}

export async function openLink(): Promise<void> {
  const fragment = location.hash.slice(1);
  if (fragment.length < 20) return;
  window.history.replaceState(null, "", location.pathname);
  await attempt("Opening the link", async () => {
    let linked: Project;
    try {
      linked = await unpacked(fragment);
    } catch (error) {
      throw new Refusal(0, (error as Error).message, "Ask for it once more; what you had is still here.");
    }
    await arrangeAs(linked, linked.choice > 0 ? 3 : 1);
  }, null);
}

export function keepEnsemble(ensemble: Ensemble): void {
  const others = ownEnsembles.value.filter((known) => known.name !== ensemble.name);
  ownEnsembles.value = [...others, ensemble];
  void keep("ensembles", ownEnsembles.value);
}

/** Arranges `wanted` and shows it once it is there; until then, or if it is refused, all stays. */
async function arrangeAs(wanted: Project, alternatives = 1): Promise<void> {
  if (!wanted.source) {
    change(wanted);
    return;
  }
  await attempt("Arranging", async () => {
    const arrangement = await arranged(wanted, alternatives);
    batch(() => {
      change({ ...wanted, arrangement });
      selection.value = new Set();
      measured.value = null;
      draft.value = null;
    });
    say(`Arranged ${counted(arrangement.notes.length, "note")} for ${wanted.ensemble.name}`);
    const [warning] = arrangement.warnings;
    if (warning) message.value = { text: warning, advice: "", again: null };
  }, () => arrangeAs(wanted, alternatives));
}

/** Decides the rest of the present project anew. A later change makes the answer pointless. */
async function resolve(doing = "Arranging", alternatives = 1): Promise<void> {
  const asked = project.value;
  if (!asked.source) return;
  await attempt(doing, async () => {
    const arrangement = await arranged(asked, alternatives);
    if (project.value === asked) history.value = amend(history.value, { ...asked, arrangement });
  }, () => resolve(doing, alternatives));
}

async function arranged(wanted: Project, alternatives: number): Promise<Arrangement> {
  const request = requestBody(wanted.source!, arrangingOptions(wanted, alternatives));
  return askJson<Arrangement>("/v1/arrangements", { method: "POST", ...request, signal: afresh() });
}

/** A signal for a request that takes the place of the one under way. */
function afresh(): AbortSignal {
  underWay.abort();
  underWay = new AbortController();
  return underWay.signal;
}

function change(next: Project, gesture: string | null = null): void {
  history.value = commit(history.value, next, gesture);
}

function travel(to: History<Project>, saying: string): void {
  if (to === history.value) return;
  underWay.abort();
  batch(() => {
    const other = to.present.source !== project.value.source;
    history.value = to;
    measured.value = null;
    if (other) selection.value = new Set();
  });
  say(saying);
}

async function restore(): Promise<void> {
  try {
    const [work, own] = await Promise.all([kept<History<Project>>(KEPT_AS), kept<Ensemble[]>("ensembles")]);
    if (work) history.value = work;
    if (own) ownEnsembles.value = own;
  } catch {
    message.value = { text: "This browser keeps nothing for pages.", advice: "Download what you want to have tomorrow.", again: null };
  }
}

let saving = 0;

function saveLater(): void {
  const work = history.value;
  clearTimeout(saving);
  saving = window.setTimeout(() => void save(work), SAVE_AFTER);
}

async function save(work: History<Project>): Promise<void> {
  const past = work.past.slice(-KEPT_PAST);
  await keep(KEPT_AS, { ...work, past }).catch(() => undefined);
}

/** Saves at once what would be saved in a moment. */
export function saveNow(): void {
  clearTimeout(saving);
  void save(history.value);
}

/** How much was found, in words; empty while nothing is measured. */
export const shownAccuracy = computed(() => {
  const piece = measured.value?.pieces[0];
  return piece ? `${(100 * piece.accuracy).toFixed(1)} % of notes found` : "";
});
