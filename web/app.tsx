/**
 * The page as a whole: a welcome until a photo is looked at, then the photo beside its controls.
 *
 * @module
 */
import { useEffect } from 'preact/hooks';
import { Controls } from './components/controls.tsx';
import { DropTarget } from './components/drop-target.tsx';
import { FailureNotice } from './components/failure-notice.tsx';
import { Header } from './components/header.tsx';
import { History } from './components/history.tsx';
import { KeyDialog } from './components/key-dialog.tsx';
import { PhotoStrip } from './components/photo-strip.tsx';
import { Shortcuts } from './components/shortcuts.tsx';
import { UndoNotice } from './components/undo-notice.tsx';
import { Viewer } from './components/viewer.tsx';
import { Welcome } from './components/welcome.tsx';
import { announcement, photo } from './state/store.ts';
import { start } from './work/start.ts';

export function App() {
  useEffect(() => void start(), []);
  return (
    <DropTarget>
      <Header />
      <main class={photo.value === undefined ? 'page' : 'page working'}>
        <FailureNotice />
        {photo.value === undefined ? (
          <>
            <Welcome />
            <PhotoStrip />
          </>
        ) : (
          <>
            <div class="stage-column">
              <PhotoStrip />
              <Viewer />
              <History />
            </div>
            <Controls />
          </>
        )}
        <UndoNotice />
        <p class="visually-hidden" aria-live="polite" role="status">
          {announcement.value}
        </p>
      </main>
      <Shortcuts />
      <KeyDialog />
    </DropTarget>
  );
}
