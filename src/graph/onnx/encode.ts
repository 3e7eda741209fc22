/**
 * Messages as bytes, by walking their schema.
 *
 * protobufjs itself would compile an encoder at run time, which a page whose content security policy forbids `eval` must
 * not do; the files are small, and the walk costs no more than copying their weights.
 *
 * @module
 */
import protobuf from 'protobufjs';

/** Numbers of the wire types that the schema uses (Protocol Buffers, Encoding): LEN, I32, VARINT. */
const WIRE = { bytes: 2, string: 2, float: 5, int32: 0, int64: 0 } as const;
type Scalar = keyof typeof WIRE;

/** The fields of a message by name; absent ones are left out. */
export type Message = Readonly<Record<string, unknown>>;

/** The bytes of a message of this type. Repeated values are written one by one, which every reader takes. */
export function encodeMessage(type: protobuf.Type, message: Message): Uint8Array {
  const writer = protobuf.Writer.create();
  write(type, message, writer);
  return writer.finish();
}

function write(type: protobuf.Type, message: Message, writer: protobuf.Writer): void {
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    if (value === undefined) continue;
    const inner = field.resolve().resolvedType;
    for (const item of field.repeated ? (value as readonly unknown[]) : [value]) {
      if (inner instanceof protobuf.Type) {
        writer.uint32((field.id << 3) | WIRE.bytes).fork();
        write(inner, item as Message, writer);
        writer.ldelim();
      } else {
        const scalar = field.type as Scalar;
        writer.uint32((field.id << 3) | WIRE[scalar]);
        writer[scalar](item as never);
      }
    }
  }
}
