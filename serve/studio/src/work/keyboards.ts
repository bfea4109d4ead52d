/** The computer's keys as a piano, and keyboards that speak MIDI. */

import { signal } from "@preact/signals";

/** Two rows of keys from A to the apostrophe: semitones above the C of the octave. */
const SEMITONES: Readonly<Record<string, number>> = {
  KeyA: 0, KeyW: 1, KeyS: 2, KeyE: 3, KeyD: 4, KeyF: 5, KeyT: 6, KeyG: 7, KeyY: 8, KeyH: 9, KeyU: 10, KeyJ: 11,
  KeyK: 12, KeyO: 13, KeyL: 14, KeyP: 15, Semicolon: 16, Quote: 17,
};

export interface Hands {
  press(pitch: number, velocity?: number): void;
  lift(pitch: number): void;
  pedal(value: number): void;
}

export const octave = signal(4);
export const midiInputs = signal<readonly string[]>([]);

export function pitchOfKey(code: string, octaveNow: number): number | null {
  const semitone = SEMITONES[code];
  return semitone === undefined ? null : 12 * (octaveNow + 1) + semitone;
}

/** Hears the computer's keys until the returned function is called. */
export function hearComputerKeys(hands: Hands): () => void {
  const ending = new AbortController();
  const down = new Map<string, number>();
  const press = (event: KeyboardEvent): void => {
    const at = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || at.matches("input, select, textarea") || at.closest("dialog")) return;
    if (event.code === "KeyZ" && !event.repeat) octave.value = Math.max(1, octave.value - 1);
    if (event.code === "KeyX" && !event.repeat) octave.value = Math.min(6, octave.value + 1);
    const pitch = pitchOfKey(event.code, octave.value);
    if (pitch === null) return;
    event.preventDefault();
    if (event.repeat || down.has(event.code)) return;
    down.set(event.code, pitch);
    hands.press(pitch);
  };
  const lift = (event: KeyboardEvent): void => {
    const pitch = down.get(event.code);
    down.delete(event.code);
    if (pitch !== undefined) hands.lift(pitch);
  };
  const liftAll = (): void => {
    for (const pitch of down.values()) hands.lift(pitch);
    down.clear();
  };
  addEventListener("keydown", press, { signal: ending.signal });
  addEventListener("keyup", lift, { signal: ending.signal });
  addEventListener("blur", liftAll, { signal: ending.signal });
  return () => {
    liftAll();
    ending.abort();
  };
}

/** Hears all MIDI keyboards that are connected, now and later; an Error where the browser cannot. */
export async function hearMidi(hands: Hands): Promise<void> {
  if (!("requestMIDIAccess" in navigator)) throw new Error("This browser knows no MIDI keyboards.");
  const access = await navigator.requestMIDIAccess();
  const attach = (): void => {
    const inputs = [...access.inputs.values()].filter((input) => input.state === "connected");
    for (const input of inputs) input.onmidimessage = (event) => event.data && playMidi(event.data, hands);
    midiInputs.value = inputs.map((input) => input.name ?? "MIDI keyboard");
  };
  access.onstatechange = attach;
  attach();
}

export function playMidi(data: Uint8Array, hands: Hands): void {
  const [status = 0, first = 0, second = 0] = data;
  const kind = status & 0xf0;
  if (kind === 0x90 && second > 0) hands.press(first, second);
  else if (kind === 0x80 || kind === 0x90) hands.lift(first);
  else if (kind === 0xb0 && first === 64) hands.pedal(second);
}
