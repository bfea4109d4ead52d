/** What is being done, what went wrong and what was done, in words. */

import { signal } from "@preact/signals";
import { Refusal } from "../api/client";

export interface Message {
  text: string;
  advice: string;
  again: (() => void) | null;
}

/** What is being done. */
export const busy = signal<string | null>(null);
export const message = signal<Message | null>(null);
/** What a screen reader says next. */
export const announcement = signal("");
export const needsToken = signal(false);

let lastAttempt = 0;

/** Runs work that may be refused; tells why, and offers to try `again`. */
export async function attempt(doing: string | null, work: () => Promise<void>, again: (() => void) | null): Promise<boolean> {
  const mine = (lastAttempt += 1);
  if (doing) busy.value = doing;
  message.value = null;
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return false;
    tell(error, again);
    return false;
  } finally {
    if (mine === lastAttempt) busy.value = null;
  }
}

export function tell(error: unknown, again: (() => void) | null = null): void {
  if (error instanceof Refusal) {
    needsToken.value = error.status === 401;
    message.value = { text: error.message, advice: error.advice, again: error.status === 0 || error.status >= 429 ? again : null };
  } else {
    console.error(error);
    message.value = { text: "Something went wrong in this page.", advice: "Your work is kept; try again, or reload.", again };
  }
}

export function say(text: string): void {
  announcement.value = text;
}

export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
