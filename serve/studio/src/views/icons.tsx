/** The few pictures on buttons. Each stands beside or under a label in words. */

const PATHS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  start: "M6 5h2v14H6zM20 5v14L9 12z",
  loop: "M7 7h9l-2-2 1.4-1.4L19.8 8l-4.4 4.4L14 11l2-2H7v4H5V9a2 2 0 0 1 2-2zm10 10H8l2 2-1.4 1.4L4.2 16l4.4-4.4L10 13l-2 2h9v-4h2v4a2 2 0 0 1-2 2z",
  undo: "M9 7V3L3 9l6 6v-4c4.5 0 7.5 1.4 9.5 4.5C17.7 11 15 7 9 7z",
  redo: "M15 7V3l6 6-6 6v-4c-4.5 0-7.5 1.4-9.5 4.5C6.3 11 9 7 15 7z",
  open: "M4 5h6l2 2h8v12H4zm2 4v8h12V9z",
  share: "M12 3l5 5-1.4 1.4L13 6.8V15h-2V6.8L8.4 9.4 7 8zM5 13h2v6h10v-6h2v8H5z",
  download: "M11 4h2v8.2l2.6-2.6L17 11l-5 5-5-5 1.4-1.4 2.6 2.6zM5 18h14v2H5z",
  lock: "M8 10V8a4 4 0 0 1 8 0v2h1a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1v-8a1 1 0 0 1 1-1zm2 0h4V8a2 2 0 0 0-4 0z",
  theme: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2a7 7 0 0 1 0 14z",
  close: "M6.4 5L12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4L12 13.4 6.4 19 5 17.6 10.6 12 5 6.4z",
  print: "M7 4h10v4H7zM5 9h14a1 1 0 0 1 1 1v6h-3v-2H7v2H4v-6a1 1 0 0 1 1-1zm4 6h6v5H9z",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
