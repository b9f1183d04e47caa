// OTLP's requests of logs in protobuf, as far as the peers read them, and the rows that they store of them.

import protobuf from 'protobufjs';

const fields = (list) => ({
  fields: Object.fromEntries(list.map(([name, type, id, rule]) => [name, { type, id, ...(rule ? { rule } : {}) }])),
});

// Message types and numbers of opentelemetry-proto 1.x: logs.proto, common.proto, resource.proto.
const root = protobuf.Root.fromJSON({
  nested: {
    AnyValue: {
      oneofs: { value: { oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue'] } },
      ...fields([['stringValue', 'string', 1], ['boolValue', 'bool', 2], ['intValue', 'int64', 3], ['doubleValue', 'double', 4]]),
    },
    KeyValue: fields([['key', 'string', 1], ['value', 'AnyValue', 2]]),
    Resource: fields([['attributes', 'KeyValue', 1, 'repeated']]),
    Scope: fields([['name', 'string', 1], ['version', 'string', 2]]),
    LogRecord: fields([['timeUnixNano', 'fixed64', 1], ['observedTimeUnixNano', 'fixed64', 11], ['severityNumber', 'int32', 2],
      ['severityText', 'string', 3], ['body', 'AnyValue', 5], ['attributes', 'KeyValue', 6, 'repeated']]),
    ScopeLogs: fields([['scope', 'Scope', 1], ['logRecords', 'LogRecord', 2, 'repeated']]),
    ResourceLogs: fields([['resource', 'Resource', 1], ['scopeLogs', 'ScopeLogs', 2, 'repeated']]),
    Request: fields([['resourceLogs', 'ResourceLogs', 1, 'repeated']]),
  },
});
const Request = root.lookupType('Request');

export const decode = (bytes) => Request.decode(bytes);
// `request`: as in JSON, without bytes.
export const encode = (request) => Buffer.from(Request.encode(Request.fromObject(request)).finish());

function plain(attributes) {
  const values = {};
  for (const { key, value } of attributes) {
    const [inner] = Object.values(value);
    values[key] = typeof inner === 'object' ? Number(inner) : inner;
  }
  return values;
}

// Yields { timeMs, type, data } of each record of a request, decoded from JSON or protobuf.
export function* rowsOf(request) {
  for (const { resource, scopeLogs } of request.resourceLogs) {
    const common = plain(resource.attributes);
    for (const { logRecords } of scopeLogs) {
      for (const { timeUnixNano, body, attributes } of logRecords) {
        yield { timeMs: Math.floor(Number(timeUnixNano) / 1e6), type: body.stringValue, data: { ...common, ...plain(attributes) } };
      }
    }
  }
}
