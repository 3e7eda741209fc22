/**
 * What was found in the photo, and what of it is to go.
 *
 * @module
 */
import { useRef } from 'preact/hooks';
import { labelOf, strengthWord } from '../prompt.ts';
import { chosen, findings, inspecting } from '../state.ts';
import { choose } from '../work.ts';
import { Icon } from './icons.tsx';

const title = (name: string): string => labelOf(name).charAt(0).toUpperCase() + labelOf(name).slice(1);

function Chip({ name, onRemove }: { readonly name: string; readonly onRemove: () => void }) {
  const about = findings.value?.degradations[name];
  const sure = about !== undefined && about.verdict === 'found';
  const strength = sure ? strengthWord(about.strength) : undefined;
  return (
    <li class="chip" data-degradation={name}>
      <span class="chip-name">{title(name)}</span>
      {strength !== undefined && about !== undefined && (
        <>
          <span class="chip-strength">{strength}</span>
          <span class="meter" aria-hidden="true">
            <span style={{ inlineSize: `${Math.round(100 * Math.min(1, about.strength))}%` }} />
          </span>
        </>
      )}
      <button type="button" aria-label={`Keep the ${labelOf(name)}`} onClick={onRemove}>
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}

export function Chips() {
  const heading = useRef<HTMLHeadingElement>(null);
  const known = Object.keys(findings.value?.degradations ?? {});
  const rest = known.filter((name) => !chosen.value.includes(name));
  const change = (name: string, wanted: boolean) => {
    choose(name, wanted);
    // The button that was pressed is gone; without this the focus would fall to the start of the page.
    heading.current?.focus();
  };
  return (
    <section class="field" aria-labelledby="removing">
      <h2 id="removing" tabIndex={-1} ref={heading}>
        To be removed
      </h2>
      {inspecting.value && findings.value === undefined ? (
        <p class="looking">Looking for what disturbs the photo…</p>
      ) : (
        <ul class="chips" aria-label="To be removed">
          {known
            .filter((name) => chosen.value.includes(name))
            .map((name) => (
              <Chip key={name} name={name} onRemove={() => change(name, false)} />
            ))}
          {chosen.value.length === 0 && <li class="none">Nothing found</li>}
          {rest.map((name) => (
            <li key={name}>
              <button type="button" class="chip add" onClick={() => change(name, true)}>
                <Icon name="plus" size={14} />
                <span>
                  <span class="visually-hidden">Also remove the </span>
                  {labelOf(name)}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
