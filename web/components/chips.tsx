/**
 * What was found in the photo, and what of it is to go.
 *
 * @module
 */
import { useRef } from 'preact/hooks';
import { DEGRADATIONS, type Degradation } from '../../src/degradations/index.ts';
import type { Finding } from '../../src/models/model.ts';
import { NAMES, strengthWord } from '../prompt.ts';
import { chosen, findings, inspecting } from '../state.ts';
import { choose } from '../work.ts';
import { Icon } from './icons.tsx';

const title = (name: Degradation): string => NAMES[name].charAt(0).toUpperCase() + NAMES[name].slice(1);

function Chip({ name, onRemove }: { readonly name: Degradation; readonly onRemove: () => void }) {
  const known: Readonly<Record<string, Finding>> | undefined = findings.value?.degradations;
  const about = known?.[name];
  const sure = about !== undefined && about.probability >= 0.5;
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
      <button type="button" aria-label={`Keep the ${NAMES[name]}`} onClick={onRemove}>
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}

export function Chips() {
  const heading = useRef<HTMLHeadingElement>(null);
  const rest = DEGRADATIONS.filter((name) => !chosen.value.includes(name));
  const change = (name: Degradation, wanted: boolean) => {
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
        <p class="looking">Looking for noise, rain and haze…</p>
      ) : (
        <ul class="chips" aria-label="To be removed">
          {DEGRADATIONS.filter((name) => chosen.value.includes(name)).map((name) => (
            <Chip key={name} name={name} onRemove={() => change(name, false)} />
          ))}
          {chosen.value.length === 0 && <li class="none">Nothing found</li>}
          {rest.map((name) => (
            <li key={name}>
              <button type="button" class="chip add" onClick={() => change(name, true)}>
                <Icon name="plus" size={14} />
                <span>
                  <span class="visually-hidden">Also remove the </span>
                  {NAMES[name]}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
