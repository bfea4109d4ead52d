/** What a person has made, as a value that never changes in place. Knows no page and no service. */

import type { Arrangement, ArrangedNote, Ensemble, Mode, Music, RunnerUp, Violation } from "../api/forms";

export type Source =
  | { kind: "file"; name: string; title: string; bytes: Uint8Array<ArrayBuffer> }
  | { kind: "notes"; title: string; music: Music };

export interface PartSound {
  program: number | null;
  volume: number;
  muted: boolean;
  solo: boolean;
}

export interface Project {
  source: Source | null;
  ensemble: Ensemble;
  /** Whether the service knows the ensemble by its name. */
  builtIn: boolean;
  mode: Mode;
  /** Part to the quarter, counted from 0, where it first plays. */
  entries: Readonly<Record<string, number>>;
  meanPitch: Readonly<Record<string, number>>;
  /** Note to the part that it must have. */
  locks: ReadonlyMap<number, string>;
  arrangement: Arrangement | null;
  /** Which arrangement is shown: 0 the likeliest, 1 the first alternative, and so on. */
  choice: number;
  sounds: Readonly<Record<string, PartSound>>;
}

/** A note as it is shown: `part` counts the parts of the ensemble. */
export interface ShownNote {
  onset: number;
  duration: number;
  start: number;
  length: number;
  pitch: number;
  velocity: number;
  track: number;
  part: number;
  confidence: number;
  locked: boolean;
  runnerUp: RunnerUp | null;
}

export const PLAIN_SOUND: PartSound = { program: null, volume: 0.8, muted: false, solo: false };

export function begun(ensemble: Ensemble): Project {
  return {
    source: null,
    ensemble,
    builtIn: true,
    mode: "offline",
    entries: {},
    meanPitch: {},
    locks: new Map(),
    arrangement: null,
    choice: 0,
    sounds: {},
  };
}

/** The same ensemble and sounds with other music. */
export function withSource(project: Project, source: Source): Project {
  return { ...project, source, locks: new Map(), entries: {}, meanPitch: {}, arrangement: null, choice: 0 };
}

export function withEnsemble(project: Project, ensemble: Ensemble, builtIn: boolean): Project {
  const fresh = { locks: new Map(), entries: {}, meanPitch: {}, sounds: {}, choice: 0 };
  return { ...project, ...fresh, ensemble, builtIn };
}

/** Gives notes to a part for good. Where an alternative is shown, what makes it differ stays too. */
export function assigned(project: Project, notes: Iterable<number>, part: string): Project {
  const locks = new Map(adopted(project).locks);
  for (const note of notes) locks.set(note, part);
  return { ...project, locks, choice: 0 };
}

/** Locks notes to the parts they have, or frees them if all of them are locked. */
export function lockToggled(project: Project, notes: readonly number[]): Project {
  const base = adopted(project);
  const locks = new Map(base.locks);
  const parts = shownParts(project);
  const free = notes.every((note) => locks.has(note));
  for (const note of notes) {
    if (free) locks.delete(note);
    else locks.set(note, parts[note]!);
  }
  return { ...base, locks };
}

/** The alternative that is shown becomes the arrangement, by locks. */
export function adopted(project: Project): Project {
  const other = project.arrangement?.alternatives[project.choice - 1];
  if (!project.arrangement || !other) return project;
  const locks = new Map(project.locks);
  project.arrangement.notes.forEach((note, n) => {
    const part = other.parts[n]!;
    if (part !== note.part) locks.set(n, part);
  });
  return { ...project, locks, choice: 0 };
}

/** The part of each note as it is shown. */
export function shownParts(project: Project): string[] {
  const { arrangement, choice, locks } = project;
  if (!arrangement) return [];
  const chosen = arrangement.alternatives[choice - 1]?.parts;
  return arrangement.notes.map((note, n) => locks.get(n) ?? chosen?.[n] ?? note.part);
}

export function shownNotes(project: Project): ShownNote[] {
  const { arrangement, choice, locks, ensemble } = project;
  if (!arrangement) return [];
  const other = arrangement.alternatives[choice - 1];
  const index = new Map(ensemble.parts.map((part, n) => [part.name, n]));
  return arrangement.notes.map((note, n) => {
    const part = locks.get(n) ?? other?.parts[n] ?? note.part;
    const locked = locks.has(n);
    const confidence = locked ? 1 : (other?.confidence[n] ?? note.confidence);
    return shown(note, index.get(part) ?? 0, confidence, locked, otherThan(note, part));
  });
}

export function shown(
  note: ArrangedNote,
  part: number,
  confidence: number,
  locked: boolean,
  runnerUp: RunnerUp | null,
): ShownNote {
  const { onset, duration, start, length, pitch, velocity, track } = note;
  return { onset, duration, start, length, pitch, velocity, track, part, confidence, locked, runnerUp };
}

export function shownViolations(project: Project): readonly Violation[] {
  const { arrangement, choice } = project;
  return arrangement?.alternatives[choice - 1]?.violations ?? arrangement?.violations ?? [];
}

/** What the model would have said instead of `part`. */
function otherThan(note: ArrangedNote, part: string): RunnerUp | null {
  return part === note.part ? note.runner_up : { part: note.part, confidence: note.confidence };
}

/** The ensemble with the instruments that were chosen for its parts. */
export function soundingEnsemble(project: Project): Ensemble {
  const parts = project.ensemble.parts.map((part) => ({
    ...part,
    program: project.sounds[part.name]?.program ?? part.program,
  }));
  return { ...project.ensemble, parts };
}

/** The options of a request that arranges the project anew. */
export function arrangingOptions(project: Project, alternatives = 1): object {
  const { ensemble, builtIn, mode, entries, meanPitch, locks } = project;
  return {
    ensemble: builtIn ? ensemble.name : ensemble,
    mode,
    hints: { entries, mean_pitch: meanPitch, locks: Object.fromEntries(locks) },
    alternatives: mode === "offline" ? alternatives : 1,
  };
}

/** The options of a request that gives exactly what is shown, each note locked to its part. */
export function shownOptions(project: Project): object {
  const locks = Object.fromEntries(shownParts(project).entries());
  const otherSounds = Object.values(project.sounds).some((sound) => sound.program !== null);
  const named = project.builtIn && !otherSounds;
  return { ensemble: named ? project.ensemble.name : soundingEnsemble(project), mode: "offline", hints: { locks } };
}

/** The body of a request about the music of a source. */
export function requestBody(source: Source, options: object): { body: BodyInit; headers: Record<string, string> } {
  if (source.kind === "notes") {
    const body = JSON.stringify({ ...source.music, ...options });
    return { body, headers: { "Content-Type": "application/json" } };
  }
  const body = new FormData();
  body.append("file", new Blob([source.bytes]), source.name);
  body.append("options", JSON.stringify(options));
  return { body, headers: {} };
}

/** A title from the name of a file. */
export function titleOf(name: string): string {
  return name.replace(/\.[a-z0-9]+$/i, "").replaceAll(/[-_]+/g, " ");
}
