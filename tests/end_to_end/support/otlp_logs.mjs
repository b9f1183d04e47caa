// Decodes an OTLP request of logs, strictly: a field that opentelemetry-proto does not have, another wire type, bytes that are no
// UTF-8 and whatever is left over are errors. Written from logs.proto, common.proto and resource.proto.
const text = new TextDecoder('utf-8', { fatal: true });

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  varint() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (this.at >= this.bytes.length || shift > 63n) throw new Error('a varint does not end');
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  take(count) {
    if (this.at + count > this.bytes.length) throw new Error('a field is longer than its message');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  value(wireType) {
    switch (wireType) {
      case 0: return this.varint();
      case 1: return Buffer.from(this.take(8));
      case 2: return Buffer.from(this.take(Number(this.varint())));
      case 5: return Buffer.from(this.take(4));
      default: throw new Error(`no wire type ${wireType}`);
    }
  }
}

// `fields`: number → [name, wire type, how to read it, whether it is repeated].
function decode(bytes, fields) {
  const reader = new Reader(bytes);
  const message = {};
  while (reader.at < bytes.length) {
    const tag = Number(reader.varint());
    const field = fields[tag >> 3];
    if (!field) throw new Error(`no field ${tag >> 3}`);
    const [name, wireType, read, repeated] = field;
    if ((tag & 7) !== wireType) throw new Error(`${name} has wire type ${tag & 7}`);
    const value = read(reader.value(wireType));
    if (repeated) message[name] = [...(message[name] ?? []), value];
    else if (name in message) throw new Error(`${name} is there twice`);
    else message[name] = value;
  }
  return message;
}

const string = (bytes) => text.decode(bytes);
const number = (value) => Number(value);
const unsigned = (bytes) => bytes.readBigUInt64LE();
const exactly = (size) => (bytes) => {
  if (bytes.length !== size) throw new Error(`an ID of ${bytes.length} bytes`);
  return bytes.toString('hex');
};

function anyValue(bytes) {
  const value = decode(bytes, {
    1: ['string', 2, string], 2: ['bool', 0, (bit) => bit === 1n], 3: ['int', 0, (bits) => BigInt.asIntN(64, bits)],
    4: ['double', 1, (raw) => raw.readDoubleLE()], 5: ['array', 2, (raw) => decode(raw, { 1: ['values', 2, anyValue, true] }).values ?? []],
    6: ['kvlist', 2, (raw) => attributes(decode(raw, { 1: ['values', 2, keyValue, true] }).values)], 7: ['bytes', 2, (raw) => raw],
  });
  const kinds = Object.values(value);
  if (kinds.length > 1) throw new Error('a value of two kinds');
  const [only = null] = kinds;
  return typeof only === 'bigint' ? Number(only) : only;
}

const keyValue = (bytes) => decode(bytes, { 1: ['key', 2, string], 2: ['value', 2, anyValue] });

function attributes(list = []) {
  const names = list.map(({ key }) => key);
  if (new Set(names).size !== names.length) throw new Error('an attribute is there twice');
  return Object.fromEntries(list.map(({ key, value }) => [key, value]));
}

const logRecord = (bytes) => decode(bytes, {
  1: ['time', 1, unsigned], 2: ['severity', 0, number], 3: ['severityText', 2, string], 5: ['body', 2, anyValue],
  6: ['attributes', 2, keyValue, true], 7: ['dropped', 0, number], 8: ['flags', 5, (raw) => raw.readUInt32LE()],
  9: ['traceId', 2, exactly(16)], 10: ['spanId', 2, exactly(8)], 11: ['observed', 1, unsigned], 12: ['eventName', 2, string],
});
const resource = (bytes) => decode(bytes, { 1: ['attributes', 2, keyValue, true], 2: ['dropped', 0, number] });
const scope = (bytes) => decode(bytes, { 1: ['name', 2, string], 2: ['version', 2, string], 3: ['attributes', 2, keyValue, true] });
const scopeLogs = (bytes) => decode(bytes, { 1: ['scope', 2, scope], 2: ['records', 2, logRecord, true], 3: ['schema', 2, string] });
const resourceLogs = (bytes) => decode(bytes, { 1: ['resource', 2, resource], 2: ['scopes', 2, scopeLogs, true], 3: ['schema', 2, string] });

// Every record, with its attributes as an object and the resource's.
export function decodeLogs(body) {
  const { resources = [] } = decode(body, { 1: ['resources', 2, resourceLogs, true] });
  return resources.flatMap(({ resource: from, scopes = [] }) => scopes.flatMap(({ records = [] }) => records.map((record) => ({
    ...record, attributes: attributes(record.attributes), resource: attributes(from.attributes),
  }))));
}
