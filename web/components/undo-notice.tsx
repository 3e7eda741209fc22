/**
 * What was removed last, and its way back.
 *
 * @module
 */
import { removed } from '../state/store.ts';
import { undoRemoval } from '../work/results.ts';

export function UndoNotice() {
  const last = removed.value;
  return (
    <div class="undo-region">
      {last !== undefined && (
        <div class="undo">
          <span>{last.photos.length > 0 ? 'Photo removed' : 'Result removed'}</span>
          <button type="button" class="button small" onClick={undoRemoval}>
            Undo
          </button>
        </div>
      )}
    </div>
  );
}
