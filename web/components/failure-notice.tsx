/**
 * @module
 */
import { failure, findings, photo } from '../state.ts';
import { lookAgain } from '../work.ts';
import { Icon } from './icons.tsx';

export function FailureNotice() {
  const shown = failure.value;
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
          {photo.value !== undefined && findings.value === undefined && (
            <button type="button" class="button quiet" onClick={lookAgain}>
              Try again
            </button>
          )}
          <button
            type="button"
            class="button icon-only quiet"
            aria-label="Dismiss"
            onClick={() => {
              failure.value = undefined;
            }}
          >
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}
