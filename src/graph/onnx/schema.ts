/**
 * The part of the ONNX file format that Clearword writes and reads, as a protobufjs schema.
 *
 * Field numbers: onnx.proto of the ONNX project (IR version 10).
 *
 * @module
 */
import protobuf from 'protobufjs';

const field = (type: string, id: number) => ({ type, id });
const list = (type: string, id: number) => ({ rule: 'repeated', type, id });

const root = protobuf.Root.fromJSON({
  nested: {
    onnx: {
      nested: {
        AttributeProto: {
          fields: {
            name: field('string', 1),
            f: field('float', 2),
            i: field('int64', 3),
            s: field('bytes', 4),
            floats: list('float', 7),
            ints: list('int64', 8),
            type: field('int32', 20),
          },
        },
        NodeProto: {
          fields: {
            input: list('string', 1),
            output: list('string', 2),
            name: field('string', 3),
            opType: field('string', 4),
            attribute: list('AttributeProto', 5),
            domain: field('string', 7),
          },
        },
        TensorProto: {
          fields: {
            dims: { ...list('int64', 1), options: { packed: false } },
            dataType: field('int32', 2),
            floatData: list('float', 4),
            int32Data: list('int32', 5),
            int64Data: list('int64', 7),
            name: field('string', 8),
            rawData: field('bytes', 9),
            doubleData: list('double', 10),
            dataLocation: field('int32', 14),
          },
        },
        // One of the two: a size, or the name of one that is only known when the model runs.
        Dimension: { fields: { dimValue: field('int64', 1), dimParam: field('string', 2) } },
        TensorShapeProto: { fields: { dim: list('Dimension', 1) } },
        TypeTensor: { fields: { elemType: field('int32', 1), shape: field('TensorShapeProto', 2) } },
        TypeProto: { fields: { tensorType: field('TypeTensor', 1) } },
        ValueInfoProto: { fields: { name: field('string', 1), type: field('TypeProto', 2) } },
        GraphProto: {
          fields: {
            node: list('NodeProto', 1),
            name: field('string', 2),
            initializer: list('TensorProto', 5),
            input: list('ValueInfoProto', 11),
            output: list('ValueInfoProto', 12),
          },
        },
        StringStringEntryProto: { fields: { key: field('string', 1), value: field('string', 2) } },
        OperatorSetIdProto: { fields: { domain: field('string', 1), version: field('int64', 2) } },
        ModelProto: {
          fields: {
            irVersion: field('int64', 1),
            producerName: field('string', 2),
            producerVersion: field('string', 3),
            graph: field('GraphProto', 7),
            opsetImport: list('OperatorSetIdProto', 8),
            metadataProps: list('StringStringEntryProto', 14),
          },
        },
      },
    },
  },
});

export const ModelProto = root.lookupType('onnx.ModelProto');
