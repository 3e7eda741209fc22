/**
 * ONNX files whose sizes are known only when they run, as those of language models are: the graphs of src/graph have none.
 *
 * @module
 */
import { encodeMessage } from '../../src/graph/onnx/encode.ts';
import { ModelProto } from '../../src/graph/onnx/schema.ts';

/** Numbers of TensorProto.DataType. */
const TYPE = { float32: 1, int64: 7, bool: 9 } as const;
type ElementType = keyof typeof TYPE;

/** Numbers of AttributeProto.AttributeType. */
const ATTRIBUTE = { int: 2, ints: 7 } as const;

/** A size, or the name of one. */
export type Dimensions = readonly (number | string)[];

const valueInfo = (name: string, type: ElementType, dimensions: Dimensions) => {
  const dim = dimensions.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: TYPE[type], shape: { dim } } } };
};

/** A network, written node by node; tensors are their names. */
export class NetworkFile {
  readonly #nodes: object[] = [];
  readonly #constants: object[] = [];
  readonly #inputs: object[] = [];
  readonly #outputs: object[] = [];

  input(name: string, type: ElementType, dimensions: Dimensions): string {
    this.#inputs.push(valueInfo(name, type, dimensions));
    return name;
  }

  floats(data: Float32Array, shape: readonly number[]): string {
    return this.#constant('float32', new Uint8Array(data.buffer, data.byteOffset, data.byteLength), shape);
  }

  /** A vector, as shapes and axes are given to operators. */
  ints(...values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant('int64', new Uint8Array(data.buffer), [values.length]);
  }

  /** An operator's first result. */
  apply(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ) {
    const output = `${opType}_${this.#nodes.length}`;
    const attribute = Object.entries(attributes).map(([name, value]) =>
      typeof value === 'number' ? { name, i: value, type: ATTRIBUTE.int } : { name, ints: value, type: ATTRIBUTE.ints },
    );
    this.#nodes.push({ input: inputs, output: [output], name: output, opType, attribute });
    return output;
  }

  output(name: string, type: ElementType, dimensions: Dimensions, tensor: string): void {
    this.#nodes.push({ input: [tensor], output: [name], name, opType: 'Identity' });
    this.#outputs.push(valueInfo(name, type, dimensions));
  }

  /** The file. Opset 20 and IR 10 are those of src/graph/onnx. */
  bytes(): Uint8Array {
    return encodeMessage(ModelProto, {
      irVersion: 10,
      producerName: 'clearword',
      opsetImport: [{ domain: '', version: 20 }],
      graph: {
        name: 'network',
        node: this.#nodes,
        initializer: this.#constants,
        input: this.#inputs,
        output: this.#outputs,
      },
    });
  }

  #constant(type: ElementType, rawData: Uint8Array, dims: readonly number[]): string {
    const name = `constant_${this.#constants.length}`;
    this.#constants.push({ name, dims, dataType: TYPE[type], rawData });
    return name;
  }
}
