/** Asks the service. Knows HTTP; not what a person does with the answers. */

import { EventReader, type ServerEvent } from "./events";

/** What went wrong, in one sentence, and what may be done about it. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly advice: string,
  ) {
    super(message);
  }
}

const TOKEN = "arranger-token";

export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

export function keptToken(): string | null {
  return sessionStorage.getItem(TOKEN);
}

/** The answer to a request that went well; a Refusal otherwise. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const token = keptToken();
  if (token) headers.set("Authorization", `Bearer ${token}`);
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refusal(0, "The service does not answer.", "Start it again, then try again: your work is kept on this page.");
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

export async function askJson<Form>(path: string, init: RequestInit = {}): Promise<Form> {
  const headers = { Accept: "application/json", ...init.headers };
  return (await ask(path, { ...init, headers })).json() as Promise<Form>;
}

/** The events of a stream, until it ends. */
export async function* askEvents(path: string, init: RequestInit): AsyncGenerator<ServerEvent> {
  const headers = { ...init.headers, Accept: "text/event-stream" };
  const answer = await ask(path, { ...init, headers });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield* events.take(value);
  }
}

async function refusal(answer: Response): Promise<Refusal> {
  let detail = `The service answered ${answer.status} ${answer.statusText}`;
  try {
    detail = String(((await answer.json()) as { detail?: unknown }).detail ?? detail);
  } catch {
    // Something between the page and the service answered, and not in the service's form.
  }
  return new Refusal(answer.status, asSentence(detail), advice(answer.status));
}

export function asSentence(text: string): string {
  const trimmed = text.trim();
  // A sentence may begin with the name of a file, which stays as it is.
  const isWord = /^[a-z]+[\s,]/.test(trimmed);
  const capital = isWord ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

function advice(status: number): string {
  if (status === 401) return "Give the token that the service was started with.";
  if (status === 413) return "Choose a smaller file.";
  if (status === 415) return "Choose a MIDI, MusicXML or ABC file.";
  if (status === 429 || status === 503) return "Wait a moment, then try again.";
  if (status >= 500) return "Try again; your work is kept on this page.";
  return "";
}
