/** A live session: keys go to the service, which answers each with its part. See docs/LIVE.md. */

import { batch, signal } from "@preact/signals";
import { asSentence, keptToken } from "../api/client";
import type { Ensemble } from "../api/forms";
import type { Held } from "../sound/player";
import { fromBase64 } from "./link";
import { type Message, message, say } from "./attempts";
import { player } from "./transport";

export interface LivePart {
  name: string;
  program: number;
  channel: number;
}

/** A note that has been answered. `end` null: it still sounds. */
export interface LiveNote {
  note: number;
  pitch: number;
  time: number;
  end: number | null;
  part: number;
  confidence: number;
  byDuet: boolean;
}

export interface LiveWish {
  ensemble: Ensemble;
  builtIn: boolean;
  duet: boolean;
}

export type LiveState = "off" | "connecting" | "on";

const KEPT_NOTES = 400;
const KEPT_LATENCIES = 50;

export const state = signal<LiveState>("off");
export const liveParts = signal<readonly LivePart[]>([]);
export const liveNotes = signal<readonly LiveNote[]>([]);
export const latencies = signal<readonly number[]>([]);
export const duetState = signal<string | null>(null);
export const keysDown = signal<ReadonlySet<number>>(new Set());
/** What was played in the last session, as a MIDI file. */
export const recording = signal<Uint8Array<ArrayBuffer> | null>(null);
/** When the session began, on the clock of the page. */
export const began = signal(0);

let socket: WebSocket | null = null;
const sent = new Map<number, number[]>();
const sounding = new Map<number, Held>();

export function connect(wish: LiveWish): void {
  end();
  const url = new URL("v1/live", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  const opened = new WebSocket(url);
  socket = opened;
  batch(() => {
    state.value = "connecting";
    liveNotes.value = [];
    latencies.value = [];
    recording.value = null;
    message.value = null;
  });
  opened.onopen = () => {
    began.value = performance.now();
    const hello = { type: "hello", ensemble: wish.builtIn ? wish.ensemble.name : wish.ensemble, mode: "stage" };
    const token = keptToken();
    opened.send(JSON.stringify({ ...hello, ...(wish.duet ? { duet: {} } : {}), ...(token ? { token } : {}) }));
  };
  opened.onmessage = (event) => hear(JSON.parse(String(event.data)) as Heard);
  opened.onclose = (event) => {
    if (socket !== opened) return;
    const lost = state.value !== "off";
    over();
    if (lost) tellLost(event, wish);
  };
}

/** Ends the session; its recording comes with the service's farewell. */
export function end(): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "bye" }));
  else socket?.close();
}

export function press(pitch: number, velocity = 80): void {
  if (state.value !== "on" || keysDown.value.has(pitch)) return;
  keysDown.value = new Set([...keysDown.value, pitch]);
  const waiting = sent.get(pitch) ?? [];
  sent.set(pitch, [...waiting, performance.now()]);
  socket!.send(JSON.stringify({ type: "note_on", pitch, velocity }));
}

export function lift(pitch: number): void {
  if (!keysDown.value.has(pitch)) return;
  keysDown.value = new Set([...keysDown.value].filter((key) => key !== pitch));
  if (state.value === "on") socket!.send(JSON.stringify({ type: "note_off", pitch }));
}

export function pedal(value: number): void {
  if (state.value === "on") socket!.send(JSON.stringify({ type: "pedal", value }));
}

type Heard =
  | { type: "welcome"; parts: LivePart[] }
  | { type: "note"; note: number; pitch: number; velocity: number; time: number; part: string; confidence: number; by: "player" | "duet" }
  | { type: "end"; note: number; time: number }
  | { type: "duet"; state: string }
  | { type: "error"; message: string }
  | { type: "bye"; notes: number; recording: string | null };

function hear(heard: Heard): void {
  switch (heard.type) {
    case "welcome":
      batch(() => {
        state.value = "on";
        liveParts.value = heard.parts;
      });
      say("Play: each key is answered by its instrument");
      return;
    case "note":
      answered(heard);
      return;
    case "end":
      sounding.get(heard.note)?.release();
      sounding.delete(heard.note);
      liveNotes.value = liveNotes.value.map((note) => (note.note === heard.note ? { ...note, end: heard.time } : note));
      return;
    case "duet":
      duetState.value = heard.state;
      return;
    case "error":
      message.value = { text: asSentence(heard.message), advice: "", again: null };
      return;
    case "bye":
      if (heard.recording && heard.notes > 0) recording.value = fromBase64(heard.recording);
      over();
  }
}

function answered(heard: Heard & { type: "note" }): void {
  const part = liveParts.value.findIndex((one) => one.name === heard.part);
  const program = liveParts.value[part]?.program ?? 0;
  sounding.get(heard.note)?.release();
  const wait = Math.max(0, began.value + 1000 * heard.time - performance.now());
  const sound = (): void => void sounding.set(heard.note, player.strike(program, part, heard.pitch, heard.velocity));
  if (heard.by === "duet" && wait > 20) setTimeout(sound, wait);
  else sound();
  const [first, ...rest] = sent.get(heard.pitch) ?? [];
  batch(() => {
    if (heard.by === "player" && first !== undefined) {
      sent.set(heard.pitch, rest);
      latencies.value = [...latencies.value, performance.now() - first].slice(-KEPT_LATENCIES);
    }
    const { note, pitch, time, confidence } = heard;
    const shown = { note, pitch, time, part, confidence, end: null, byDuet: heard.by === "duet" };
    liveNotes.value = [...liveNotes.value.filter((one) => one.note !== note), shown].slice(-KEPT_NOTES);
  });
}

function over(): void {
  for (const voice of sounding.values()) voice.release();
  sounding.clear();
  sent.clear();
  socket?.close();
  socket = null;
  batch(() => {
    state.value = "off";
    keysDown.value = new Set();
    duetState.value = null;
  });
}

function tellLost(event: CloseEvent, wish: LiveWish): void {
  const text = event.reason ? asSentence(event.reason) : "The live session was lost.";
  const told: Message = { text, advice: "Begin another; what you played is still shown below.", again: () => connect(wish) };
  message.value = told;
}
