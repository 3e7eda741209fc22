/**
 * How an ONNX file is refused.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';

/** Says what was expected, what came, and what to do about it where that is not what one does about most files. */
export type Fail = (expected: string, received: string, fix?: string) => never;

/** @param source what to call the file in messages */
export const refusing =
  (source: string, fix: string): Fail =>
  (expected, received, other = fix) => {
    throw new ClearwordError('MODEL_INVALID', `${source}: expected ${expected}, received ${received}`, { fix: other });
  };

/** A text of others in a message: short, and without what a terminal would obey. */
export const harmless = (text: string, length: number): string =>
  text.slice(0, length).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');

/** A file's own word. */
export const quoted = (name: string): string => harmless(JSON.stringify(name.slice(0, 80)), 500);

/** An operator in a message: a word, or whatever a file has in the place of one. */
export const operator = (type: string): string => (/^\w{1,40}$/.test(type) ? type : quoted(type));

interface Value {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly (number | undefined)[] | undefined;
}

/** Names of the types that inputs of exported networks have, by their numbers in TensorProto.DataType. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  ...{ 0: 'of no stated type', 1: 'float32', 2: 'uint8', 3: 'int8', 4: 'uint16', 5: 'int16', 6: 'int32', 7: 'int64' },
  ...{ 8: 'string', 9: 'bool', 10: 'float16', 11: 'float64', 12: 'uint32', 13: 'uint64', 16: 'bfloat16' },
};

/** An input or output in a message. */
export function described({ name, elementType, shape }: Value): string {
  const sides = shape?.map((side) => side ?? '?').join(', ') ?? 'of no stated shape';
  return `${quoted(name)} ${TYPE_NAMES[elementType] ?? `of type ${elementType}`} [${sides}]`;
}

/** Values that a message lists. */
const MOST_LISTED = 5;

export function listed(values: readonly Value[]): string {
  const rest = values.length - MOST_LISTED;
  return [...values.slice(0, MOST_LISTED).map(described), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}
