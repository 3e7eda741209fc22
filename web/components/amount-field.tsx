/**
 * How much of the change is shown and saved; the photo follows at once.
 *
 * @module
 */
import { shown } from '../state/store.ts';
import { setAmount } from '../work/results.ts';

export function AmountField() {
  const result = shown.value;
  if (result === undefined || result.result.outcome.status === 'unchanged') return null;
  return (
    <div class="slider-field">
      <label for="amount">Amount</label>
      <span class="slider-value" aria-hidden="true">
        {result.amount} %
      </span>
      <input
        id="amount"
        type="range"
        min={0}
        max={100}
        step={1}
        value={result.amount}
        onInput={(event) => setAmount(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}
