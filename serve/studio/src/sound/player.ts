/** Plays notes from any place, at any tempo, round and round. Knows notes in seconds; not projects. */

import { Instruments, type Voice } from "./instruments";
import { type Level, Room } from "./room";

/** A note of a part; `program` null: a drum. */
export interface Sounding {
  start: number;
  length: number;
  pitch: number;
  velocity: number;
  part: number;
  program: number | null;
}

/** A note that sounds until it is let go. */
export interface Held {
  release(): void;
}

export interface Loop {
  from: number;
  to: number;
}

const AHEAD = 0.25;
const EVERY = 60;
const SHORTEST = 0.06;
const SHORTEST_LOOP = 0.3;

export class Player {
  #context: AudioContext | null = null;
  #instruments: Instruments | null = null;
  #room: Room | null = null;
  #notes: readonly Sounding[] = [];
  #levels: readonly Level[] = [];
  #end = 0;
  #rate = 1;
  #loop: Loop | null = null;
  #timer = 0;
  #cursor = 0;
  /** At `time` of the context it is at `position`; `turned`: where the loop has begun anew. */
  #anchor = { time: 0, position: 0, turned: false };
  #rest = 0;
  #voices = new Set<{ voice: Voice; until: number }>();

  /** Called when the end has been reached. */
  onEnd: () => void = () => undefined;

  get playing(): boolean {
    return this.#timer !== 0;
  }

  /** Where it is, in seconds of the piece. */
  get position(): number {
    if (!this.playing) return this.#rest;
    const position = this.#positionAt(this.#context!.currentTime);
    const loop = this.#loop;
    if (loop && this.#anchor.turned && position < loop.from) return position + loop.to - loop.from;
    return Math.min(this.#end, Math.max(0, position));
  }

  /** The notes in order of their starts. */
  load(notes: readonly Sounding[], end: number): void {
    this.#notes = notes;
    this.#end = end;
    this.#restart();
  }

  seat(levels: readonly Level[]): void {
    this.#levels = levels;
    this.#room?.seat(levels);
  }

  async play(): Promise<void> {
    const context = this.#woken();
    await context.resume();
    if (this.playing) return;
    if (this.#rest >= this.#end - 0.01) this.#rest = this.#loop?.from ?? 0;
    this.#begin(this.#rest);
    this.#timer = window.setInterval(() => this.#schedule(), EVERY);
    this.#schedule();
  }

  pause(): void {
    this.#rest = this.position;
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#hush();
  }

  seek(position: number): void {
    this.#rest = Math.min(this.#end, Math.max(0, position));
    this.#restart(this.#rest);
  }

  set rate(rate: number) {
    const position = this.position;
    this.#rate = rate;
    this.#restart(position);
  }

  set loop(loop: Loop | null) {
    this.#loop = loop && loop.to - loop.from >= SHORTEST_LOOP ? loop : null;
    this.#restart();
  }

  /** A note at once, until it is released. */
  strike(program: number, part: number, pitch: number, velocity: number): Held {
    const context = this.#woken();
    void context.resume();
    const voice = this.#instruments!.strike(program, pitch, velocity, context.currentTime, this.#room!.part(part));
    return { release: () => voice.release(context.currentTime + 0.01) };
  }

  #woken(): AudioContext {
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: "interactive" });
      this.#instruments = new Instruments(this.#context);
      this.#room = new Room(this.#context);
      this.#room.seat(this.#levels);
    }
    return this.#context;
  }

  #restart(position = this.position): void {
    if (!this.playing) return;
    this.#hush();
    this.#begin(position);
    this.#schedule();
  }

  #begin(position: number): void {
    const loop = this.#loop;
    const inside = loop && (position < loop.from || position >= loop.to) ? loop.from : position;
    this.#anchor = { time: this.#context!.currentTime + 0.06, position: inside, turned: false };
    this.#cursor = firstFrom(this.#notes, inside);
  }

  #positionAt(time: number): number {
    return this.#anchor.position + (time - this.#anchor.time) * this.#rate;
  }

  #schedule(): void {
    const now = this.#context!.currentTime;
    for (const sounding of this.#voices) if (sounding.until < now) this.#voices.delete(sounding);
    this.#strikeUntil(now + AHEAD);
    if (!this.#loop && this.#positionAt(now) >= this.#end) {
      this.pause();
      this.#rest = this.#end;
      this.onEnd();
    }
  }

  #strikeUntil(time: number): void {
    const loop = this.#loop;
    const horizon = this.#positionAt(time);
    const stop = loop ? Math.min(horizon, loop.to) : horizon;
    for (; this.#cursor < this.#notes.length; this.#cursor += 1) {
      const note = this.#notes[this.#cursor]!;
      if (note.start >= stop) break;
      this.#sound(note, loop?.to ?? Infinity);
    }
    if (loop && horizon >= loop.to) {
      const turn = this.#anchor.time + (loop.to - this.#anchor.position) / this.#rate;
      this.#anchor = { time: turn, position: loop.from, turned: true };
      this.#cursor = firstFrom(this.#notes, loop.from);
      this.#strikeUntil(time);
    }
  }

  #sound(note: Sounding, until: number): void {
    const when = this.#anchor.time + (note.start - this.#anchor.position) / this.#rate;
    const length = Math.max(SHORTEST, (Math.min(note.start + note.length, until) - note.start) / this.#rate);
    const voice = soundNote(this.#instruments!, this.#room!, note, when, length);
    this.#voices.add({ voice, until: when + length });
  }

  #hush(): void {
    const now = this.#context?.currentTime ?? 0;
    for (const { voice } of this.#voices) voice.release(now);
    this.#voices.clear();
  }
}

/** One note in a room, from beginning to end. */
export function soundNote(instruments: Instruments, room: Room, note: Sounding, when: number, length: number): Voice {
  const out = room.part(note.part);
  const voice =
    note.program === null
      ? instruments.drum(note.pitch, note.velocity, when, out)
      : instruments.strike(note.program, note.pitch, note.velocity, when, out);
  voice.release(when + length);
  return voice;
}

/** The first of the notes, in order of their starts, that starts at `position` or later. */
export function firstFrom(notes: readonly { start: number }[], position: number): number {
  let low = 0;
  for (let high = notes.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (notes[middle]!.start < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
