/**
 * The careful mode: what of a picture is changed, and what the network is asked for.
 *
 * By itself it removes only what is surely there, by the model's own thresholds; what is named to go goes in any case.
 *
 * @module
 */
import { type Request, readRequest } from '../degradations/grammar.ts';
import { wordsFor } from '../degradations/index.ts';
import { type Findings, findingOf, type RestorationModel } from '../models/model.ts';

export interface Decision {
  /** Whether anything is to be done at all. */
  readonly status: 'restored' | 'unchanged';
  /** What goes, in the model's order. */
  readonly removing: readonly string[];
  /** What may be there, and was left alone because nobody asked. */
  readonly perhaps: readonly string[];
  /** How the prompt was read. */
  readonly request: Request;
  /** The prompt for the network. */
  readonly instruction: string;
}

/** A decision as it is told, on the command line and over HTTP: plain JSON. */
export interface DecisionReport {
  readonly status: Decision['status'];
  /** How the prompt was read: whether it was understood, and what it asks to go and to stay. */
  readonly prompt: {
    readonly understood: boolean;
    readonly remove: readonly string[];
    readonly keep: readonly string[];
  };
  /** What went, and what was left alone because nobody asked. */
  readonly decision: Pick<Decision, 'removing' | 'perhaps'>;
}

/** What words that were not understood ask for is not what they say: everything found goes then. */
export function reportDecision({ status, removing, perhaps, request }: Decision): DecisionReport {
  const { kind, remove, keep } = request;
  return { status, prompt: { understood: kind !== 'unknown', remove, keep }, decision: { removing, perhaps } };
}

const listed = (names: readonly string[]): string => {
  const words = names.map((name) => `the ${wordsFor(name).label}`);
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
};

/**
 * An instruction as models are trained on them. The empty one asks for everything, which models learn first and best: where several
 * go and nothing is there to be kept, it says the same.
 */
function instructionTo(removing: readonly string[], kept: readonly string[]): string {
  return removing.length > 1 && kept.length === 0 ? '' : `remove ${listed(removing)}`;
}

/**
 * What is done with a picture.
 *
 * @param model that is careful: others, whose text encoder reads captions, get the prompt as it is, and always work
 */
export function decide(
  { degradations, careful }: Pick<RestorationModel, 'degradations' | 'careful'>,
  prompt: string,
  findings: Pick<Findings, 'degradations'>,
): Decision {
  const request = readRequest(prompt, degradations);
  const verdict = (name: string) => findingOf(findings, name).verdict;
  const found = degradations.filter((name) => verdict(name) === 'found');
  if (!careful) return { status: 'restored', removing: found, perhaps: [], request, instruction: prompt };
  const left = leftToTheModel(request, degradations);
  const asked = request.kind === 'instruction' ? request.remove : [];
  const goes = (name: string) => (left.includes(name) ? found : asked).includes(name);
  const removing = degradations.filter(goes);
  const perhaps = left.filter((name) => verdict(name) === 'perhaps');
  const status = removing.length === 0 ? 'unchanged' : 'restored';
  const kept = degradations.filter((name) => !removing.includes(name) && verdict(name) !== 'absent');
  return { status, removing, perhaps, request, instruction: instructionTo(removing, kept) };
}

/** What the words do not decide: they name only what is to stay ('keep the fog'), or nothing. */
function leftToTheModel({ kind, unnamed = [] }: Request, degradations: readonly string[]): readonly string[] {
  if (kind === 'nothing') return [];
  return kind === 'instruction' ? unnamed : degradations;
}
