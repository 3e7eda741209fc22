/**
 * The page as a whole: a welcome until there is a photo, then the photo beside its controls.
 *
 * @module
 */
import { useEffect } from 'preact/hooks';
import { Controls } from './components/controls.tsx';
import { DropTarget } from './components/drop-target.tsx';
import { FailureNotice } from './components/failure-notice.tsx';
import { Header } from './components/header.tsx';
import { History } from './components/history.tsx';
import { Viewer } from './components/viewer.tsx';
import { Welcome } from './components/welcome.tsx';
import { hasServer } from './compute/server.ts';
import { announcement, photo, serverOffered } from './state.ts';

export function App() {
  useEffect(() => {
    void hasServer().then((offered) => {
      serverOffered.value = offered;
    });
  }, []);
  return (
    <DropTarget>
      <Header />
      <main class={photo.value === undefined ? 'page' : 'page working'}>
        <FailureNotice />
        {photo.value === undefined ? (
          <Welcome />
        ) : (
          <>
            <div class="stage-column">
              <Viewer />
              <History />
            </div>
            <Controls />
          </>
        )}
      </main>
      <p class="visually-hidden" aria-live="polite" role="status">
        {announcement.value}
      </p>
    </DropTarget>
  );
}
