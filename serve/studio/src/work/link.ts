/** A project as a link: what is needed to make the same arrangement again, packed into a fragment. */

import type { Ensemble, Mode, Music } from "../api/forms";
import type { Project, Source } from "./project";

const VERSION = 1;
export const LONGEST = 30_000;

/** What a link holds: wishes, and the music, as notes or as the bytes of a file in base64. */
export interface Linked {
  version: number;
  title: string;
  /** The name of the file, and its bytes. */
  file: [string, string] | null;
  music: Music | null;
  ensemble: Ensemble;
  builtIn: boolean;
  mode: Mode;
  entries: Record<string, number>;
  meanPitch: Record<string, number>;
  locks: [number, string][];
  choice: number;
}

export async function packed(project: Project): Promise<string> {
  const { source, ensemble, builtIn, mode, entries, meanPitch, locks, choice } = project;
  if (!source) throw new Error("There is no music to share yet.");
  const linked: Linked = {
    version: VERSION,
    title: source.title,
    file: source.kind === "file" ? [source.name, toBase64(source.bytes)] : null,
    music: source.kind === "notes" ? source.music : null,
    ...{ ensemble, builtIn, mode, choice },
    entries: { ...entries },
    meanPitch: { ...meanPitch },
    locks: [...locks],
  };
  const text = new TextEncoder().encode(JSON.stringify(linked));
  const bytes = await through(text, new CompressionStream("deflate-raw"));
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The project in a fragment, not yet arranged; an Error with one sentence where there is none. */
export async function unpacked(fragment: string): Promise<Project> {
  let linked: Linked;
  try {
    const bytes = fromBase64(fragment.replaceAll("-", "+").replaceAll("_", "/"));
    const text = await through(bytes, new DecompressionStream("deflate-raw"));
    linked = JSON.parse(new TextDecoder().decode(text)) as Linked;
  } catch {
    throw new Error("The link is damaged or incomplete.");
  }
  if (linked.version !== VERSION) throw new Error("The link was made by another version of the studio.");
  if (!isWhole(linked)) throw new Error("The link is damaged or incomplete.");
  const { title, file, music, ensemble, builtIn, mode, entries, meanPitch, locks, choice } = linked;
  const source: Source =
    file !== null
      ? { kind: "file", name: file[0], title, bytes: fromBase64(file[1]) }
      : { kind: "notes", title, music: music! };
  return {
    ...{ source, ensemble, builtIn, mode, entries, meanPitch, choice },
    locks: new Map(locks),
    arrangement: null,
    sounds: {},
  };
}

function isWhole(linked: Linked): boolean {
  const { title, file, music, ensemble, locks, entries, meanPitch, choice } = linked;
  return (
    typeof title === "string" &&
    (isTexts(file, 2) || Array.isArray(music?.notes)) &&
    typeof ensemble?.name === "string" &&
    Array.isArray(ensemble.parts) &&
    ensemble.parts.length > 0 &&
    ensemble.parts.every((part) => typeof part?.name === "string" && Number.isInteger(part.program)) &&
    Array.isArray(locks) &&
    locks.every((lock) => Array.isArray(lock) && Number.isInteger(lock[0]) && typeof lock[1] === "string") &&
    [entries, meanPitch].every((hints) => typeof hints === "object" && hints !== null) &&
    Number.isInteger(choice)
  );
}

function isTexts(value: unknown, count: number): boolean {
  return Array.isArray(value) && value.length === count && value.every((text) => typeof text === "string");
}

async function through(bytes: Uint8Array<ArrayBuffer>, stream: GenericTransformStream): Promise<Uint8Array<ArrayBuffer>> {
  const piped = new Blob([bytes]).stream().pipeThrough(stream as ReadableWritablePair);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
