/** The forms in which the service takes and gives music: the counterpart of serve/schemas.py. */

export interface Tempo {
  tick: number;
  quarters: number;
}

export interface Meter {
  tick: number;
  numerator: number;
  denominator: number;
}

export interface Part {
  name: string;
  program: number;
  low: number;
  high: number;
  voices: number | null;
}

export interface Ensemble {
  name: string;
  parts: Part[];
}

export type Mode = "offline" | "live" | "chord-live";

export interface PlainNote {
  onset: number;
  pitch: number;
  duration: number;
  velocity: number;
}

/** `start` and `length` are in seconds. */
export interface TimedNote extends PlainNote {
  start: number;
  length: number;
}

export interface SourceNote extends TimedNote {
  track: number;
}

export interface RunnerUp {
  part: string;
  confidence: number;
}

export interface ArrangedNote extends SourceNote {
  part: string;
  confidence: number;
  runner_up: RunnerUp | null;
}

export interface Violation {
  note: number;
  kind: "range" | "polyphony";
  reason: string;
}

export interface Alternative {
  parts: string[];
  confidence: number[];
  violations: Violation[];
  differs: number;
}

export interface Track {
  name: string | null;
  program: number | null;
  is_drum: boolean;
  part: string | null;
}

export interface Piece {
  name: string;
  resolution: number;
  seconds: number;
  tempos: Tempo[];
  meters: Meter[];
  tracks: Track[];
  drums: SourceNote[];
  warnings: string[];
}

export interface Arrangement extends Piece {
  ensemble: Ensemble;
  mode: Mode;
  model: string;
  notes: ArrangedNote[];
  violations: Violation[];
  alternatives: Alternative[];
  milliseconds: number;
}

export interface Music {
  notes: PlainNote[];
  resolution: number;
  tempos: Tempo[];
  meters: Meter[];
}

export interface Continuation extends Piece {
  model: string;
  seed: number;
  notes: (SourceNote & { new: boolean })[];
  new: number;
}

export interface ScoredNote extends ArrangedNote {
  truth: string;
}

export interface Evaluation {
  parts: string[];
  confusion: number[][];
  pieces: { name: string; accuracy: number; mistakes: number; notes: ScoredNote[] }[];
  warnings: string[];
}

export interface Model {
  name: string;
  kind: "arranges" | "continues";
  mode: Mode | null;
  ensemble: string | null;
}

export interface Example {
  name: string;
  title: string;
  ensemble: string;
  url: string;
}
