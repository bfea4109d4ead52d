/** The head of the page: what is open, which view, undo and redo, bringing and taking away. */

import { useRef } from "preact/hooks";
import { busy } from "../work/attempts";
import { type View, canRedo, canUndo, openFile, redoChange, title, undoChange, view } from "../work/studio";
import { DownloadMenu } from "./DownloadMenu";
import { ShareButton } from "./ShareButton";
import { toggleTheme } from "./theme";
import { Icon } from "./icons";

const VIEWS: readonly [View, string][] = [
  ["arrange", "Arrange"],
  ["score", "Score"],
  ["live", "Live"],
];

export const READABLE = ".mid,.midi,.musicxml,.xml,.mxl,.abc,.json";

export function Header() {
  return (
    <header class="header">
      <a class="skip" href="#main">Skip to the music</a>
      <h1 class="brand">
        <span class="brand-mark" aria-hidden="true" />
        Arranger
      </h1>
      <nav class="tabs" aria-label="Views">
        {VIEWS.map(([name, label]) => (
          <button key={name} type="button" class="tab" aria-current={view.value === name ? "page" : undefined} onClick={() => (view.value = name)}>
            {label}
          </button>
        ))}
      </nav>
      <p class="title" title={title.value}>{title.value}</p>
      <p class="busy" aria-live="polite">{busy.value ? `${busy.value}…` : ""}</p>
      <div class="tools">
        <IconButton label="Undo" icon="undo" disabled={!canUndo.value} onClick={undoChange} />
        <IconButton label="Redo" icon="redo" disabled={!canRedo.value} onClick={redoChange} />
        <OpenButton />
        <ShareButton />
        <DownloadMenu />
        <IconButton label="Light or dark" icon="theme" onClick={toggleTheme} />
      </div>
    </header>
  );
}

interface IconButtonProps {
  label: string;
  icon: Parameters<typeof Icon>[0]["name"];
  disabled?: boolean;
  pressed?: boolean;
  onClick: () => void;
}

export function IconButton({ label, icon, disabled, pressed, onClick }: IconButtonProps) {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} disabled={disabled} aria-pressed={pressed} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

function OpenButton() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="icon-button" aria-label="Open a file" title="Open a file" onClick={() => input.current?.click()}>
        <Icon name="open" />
      </button>
      <FileInput inputRef={input} />
    </>
  );
}

export function FileInput({ inputRef }: { inputRef: { current: HTMLInputElement | null } }) {
  return (
    <input
      ref={inputRef}
      type="file"
      hidden
      accept={READABLE}
      aria-label="A file of music"
      onChange={(event) => {
        const { files } = event.currentTarget;
        if (files?.[0]) void openFile(files[0]);
        event.currentTarget.value = "";
      }}
    />
  );
}
