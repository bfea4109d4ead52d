/** Choosing notes on the roll, and what keys do with those that are chosen. */

import { pitchName } from "../sound/programs";
import { placeOf } from "../work/clock";
import type { ShownNote } from "../work/project";
import { say } from "../work/attempts";
import { assign, bars, measured, notes, parts, project, selection, toggleLock } from "../work/studio";
import { player, playing, seek } from "../work/transport";
import { type Direction, neighbour } from "./geometry";
import { focus, quarter } from "./state";

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
};

/** Whether a key meant something to the roll. */
export function keyed(event: KeyboardEvent): boolean {
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
export function pick(n: number, more: boolean): void {
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
