/**
 * What went wrong, and what to do about it.
 *
 * @module
 */
import { dispatch, failure, photo } from '../state/store.ts';
import { look } from '../work/open.ts';
import { Icon } from './icons.tsx';

export function FailureNotice() {
  const shown = failure.value;
  const dismiss = () => dispatch({ type: 'set', values: { failure: undefined } });
  // The region is always there: one that comes with its text is not read out by every screen reader.
  return (
    <div role="alert" class="failure-region">
      {shown !== undefined && (
        <div class="failure">
          <Icon name="alert" />
          <div>
            <p>
              <strong>{shown.message}</strong>
            </p>
            <p>{shown.fix}</p>
          </div>
          {photo.value?.look.kind === 'failed' && (
            <button
              type="button"
              class="button quiet"
              onClick={() => {
                dismiss();
                void look();
              }}
            >
              Try again
            </button>
          )}
          <button type="button" class="button icon-only quiet" aria-label="Dismiss" onClick={dismiss}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}
