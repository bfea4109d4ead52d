/** The page: what stands where. */

import { signal } from "@preact/signals";
import type { HTMLAttributes } from "preact";
import { Score } from "../score/Score";
import { announcement, attempt, needsToken } from "../work/attempts";
import { draft, measured, openFile, project, view } from "../work/studio";
import { ArrangeStage } from "./ArrangeStage";
import { ContinuePanel } from "./ContinuePanel";
import { EnsemblePanel } from "./EnsemblePanel";
import { Header } from "./Header";
import { LivePage } from "./LivePage";
import { MeasurePanel } from "./MeasurePanel";
import { MessageBar } from "./MessageBar";
import { PartsPanel } from "./PartsPanel";
import { TokenDialog } from "./TokenDialog";
import { Transport } from "./Transport";
import { Welcome } from "./Welcome";

const dropping = signal(false);

export function App() {
  return (
    <div class="app" data-dropping={dropping.value || undefined} {...dropHandlers}>
      <Header />
      <MessageBar />
      <main class="main" id="main">
        <Main />
      </main>
      {view.value !== "live" && (project.value.arrangement || draft.value) && <Transport />}
      {needsToken.value && <TokenDialog />}
      <p class="visually-hidden" role="status">{announcement.value}</p>
      {dropping.value && <div class="drop-veil" aria-hidden="true">Drop the music here</div>}
    </div>
  );
}

function Main() {
  if (view.value === "live") return <LivePage />;
  if (!project.value.arrangement && !draft.value) return <Welcome />;
  if (view.value === "score") return <Score />;
  return (
    <div class="workbench">
      <ArrangeStage />
      <aside class="side" aria-label="Ensemble and parts">
        <EnsemblePanel />
        <PartsPanel />
        {(measured.value || !draft.value) && <MeasurePanel />}
        <ContinuePanel />
      </aside>
    </div>
  );
}

const dropHandlers: HTMLAttributes<HTMLDivElement> = {
  onDragOver(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    dropping.value = true;
  },
  onDragLeave(event) {
    if (event.relatedTarget === null) dropping.value = false;
  },
  onDrop(event) {
    event.preventDefault();
    dropping.value = false;
    const file = event.dataTransfer?.files[0];
    if (file) void attempt(null, () => openFile(file), null);
  },
};
