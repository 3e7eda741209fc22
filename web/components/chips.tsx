/**
 * What was found in the photo, and what of it is to go: as the words say.
 *
 * @module
 */
import { signal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Finding } from '../../src/models/model.ts';
import { findingText, labelOf, strengthWord } from '../intent.ts';
import { intent, photo, takesStrengths } from '../state/store.ts';
import { choose } from '../work/results.ts';
import { Icon } from './icons.tsx';
import { StrengthField } from './strength-field.tsx';

/** The chip whose strength is being set. */
const expanded = signal<string | undefined>(undefined);

const title = (name: string): string => labelOf(name).charAt(0).toUpperCase() + labelOf(name).slice(1);

interface ChipProps {
  readonly name: string;
  readonly finding: Finding | undefined;
  readonly onRemove: () => void;
}

function Chip({ name, finding, onRemove }: ChipProps) {
  const own = photo.value?.strengths[name];
  const found = finding !== undefined && finding.verdict !== 'absent' ? finding : undefined;
  const word = own === undefined ? found && strengthWord(name, found.strength) : 'as set';
  const share = found === undefined || word === undefined ? undefined : Math.min(1, found.strength);
  const isExpanded = expanded.value === name;
  const text = (
    <>
      <span class="chip-name">{title(name)}</span>
      {word !== undefined && <span class="chip-strength">{word}</span>}
      {share !== undefined && own === undefined && (
        <span class="meter" aria-hidden="true">
          <span style={{ inlineSize: `${Math.round(100 * share)}%` }} />
        </span>
      )}
    </>
  );
  const hover = found && findingText(name, found);
  return (
    <li class="chip" data-degradation={name}>
      {takesStrengths.value ? (
        <button
          type="button"
          class="chip-text"
          title={hover}
          aria-expanded={isExpanded}
          onClick={() => {
            expanded.value = isExpanded ? undefined : name;
          }}
        >
          {text}
          <span class="visually-hidden">: set the strength</span>
        </button>
      ) : (
        <span class="chip-text" title={hover}>
          {text}
        </span>
      )}
      <button type="button" class="chip-remove" aria-label={`Keep the ${labelOf(name)}`} onClick={onRemove}>
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}

/** Why there is no chip. */
function Nothing() {
  const now = intent.value;
  const open = photo.value;
  if (now === undefined || open === undefined) return null;
  if (open.look.kind === 'failed') return <li class="none">The photo could not be checked.</li>;
  if (open.look.kind === 'none') return <li class="none">Not checked yet.</li>;
  if (now.found.length > 0 || open.prompt.trim() !== '') return <li class="none">Nothing will be removed</li>;
  return <li class="none">Nothing found</li>;
}

export function Chips() {
  const heading = useRef<HTMLHeadingElement>(null);
  const now = intent.value;
  const open = photo.value;
  if (now === undefined || open === undefined) return null;
  const findings = open.look.kind === 'known' ? open.look.degradations : {};
  const change = (name: string, wanted: boolean) => {
    choose(name, wanted);
    expanded.value = undefined;
    // The button that was pressed is gone.
    heading.current?.focus();
  };
  return (
    <section class="field" aria-labelledby="removing">
      <h2 id="removing" tabIndex={-1} ref={heading}>
        To be removed
      </h2>
      {open.look.kind === 'looking' ? (
        <p class="looking">Looking for what can be removed…</p>
      ) : (
        <ul class="chips" aria-label="To be removed">
          {now.removing.map((name) => (
            <Chip key={name} name={name} finding={findings[name]} onRemove={() => change(name, false)} />
          ))}
          {now.removing.length === 0 && <Nothing />}
          {now.known
            .filter((name) => !now.removing.includes(name))
            .map((name) => (
              <li key={name}>
                <button
                  type="button"
                  class="chip add"
                  title={findings[name] && findingText(name, findings[name])}
                  onClick={() => change(name, true)}
                >
                  <Icon name="plus" size={14} />
                  <span>
                    <span class="visually-hidden">Also remove the </span>
                    {labelOf(name)}
                    {now.perhaps.includes(name) && <span class="chip-strength"> perhaps</span>}
                  </span>
                </button>
              </li>
            ))}
        </ul>
      )}
      {expanded.value !== undefined && now.removing.includes(expanded.value) && (
        <StrengthField name={expanded.value} estimate={findings[expanded.value]?.strength ?? 0} />
      )}
    </section>
  );
}
