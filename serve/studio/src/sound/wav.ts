/** Renders notes to a WAV file, faster than they sound. */

import { Instruments } from "./instruments";
import { type Sounding, soundNote } from "./player";
import { type Level, Room } from "./room";

const RATE = 44_100;
const TAIL = 2;

export async function rendered(notes: readonly Sounding[], levels: readonly Level[], seconds: number): Promise<Blob> {
  const context = new OfflineAudioContext(2, Math.ceil((seconds + TAIL) * RATE), RATE);
  const instruments = new Instruments(context);
  const room = new Room(context);
  room.seat(levels);
  for (const note of notes) if (levels[note.part]?.heard) soundNote(instruments, room, note, note.start, Math.max(0.06, note.length));
  const buffer = await context.startRendering();
  const channels = [buffer.getChannelData(0), buffer.getChannelData(1)];
  return new Blob([wav(channels, RATE)], { type: "audio/wav" });
}

/** Samples in -1..1 as a WAV file of 16 bits. */
export function wav(channels: readonly Float32Array[], rate: number): ArrayBuffer {
  const count = channels[0]?.length ?? 0;
  const frame = 2 * channels.length;
  const bytes = new DataView(new ArrayBuffer(44 + count * frame));
  const ascii = (at: number, text: string): void => [...text].forEach((c, n) => bytes.setUint8(at + n, c.charCodeAt(0)));
  ascii(0, "RIFF");
  bytes.setUint32(4, 36 + count * frame, true);
  ascii(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, channels.length, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, rate * frame, true);
  bytes.setUint16(32, frame, true);
  bytes.setUint16(34, 16, true);
  ascii(36, "data");
  bytes.setUint32(40, count * frame, true);
  channels.forEach((samples, c) => {
    for (let n = 0; n < count; n += 1) {
      const value = Math.max(-1, Math.min(1, samples[n]!));
      bytes.setInt16(44 + n * frame + 2 * c, Math.round(value * 32767), true);
    }
  });
  return bytes.buffer;
}
