/** Undo and redo over values that never change in place. */

const KEPT = 100;

export interface History<Value> {
  past: readonly Value[];
  present: Value;
  future: readonly Value[];
  /** What the last change was part of: changes of one gesture are undone together. */
  gesture: string | null;
}

export function begin<Value>(present: Value): History<Value> {
  return { past: [], present, future: [], gesture: null };
}

export function commit<Value>(history: History<Value>, next: Value, gesture: string | null = null): History<Value> {
  if (gesture !== null && gesture === history.gesture) return { ...history, present: next, future: [] };
  const past = [...history.past, history.present].slice(-KEPT);
  return { past, present: next, future: [], gesture };
}

/** The present becomes what it was about to be: nothing to undo by itself. */
export function amend<Value>(history: History<Value>, next: Value): History<Value> {
  return { ...history, present: next };
}

export function undo<Value>(history: History<Value>): History<Value> {
  const present = history.past.at(-1);
  if (present === undefined) return history;
  return { past: history.past.slice(0, -1), present, future: [history.present, ...history.future], gesture: null };
}

export function redo<Value>(history: History<Value>): History<Value> {
  const [present, ...future] = history.future;
  if (present === undefined) return history;
  return { past: [...history.past, history.present], present, future, gesture: null };
}
