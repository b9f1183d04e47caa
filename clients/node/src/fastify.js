// A Fastify plugin: one request ID for each request, in AsyncLocalStorage, in every log line and in the answer.
import { defaultClient } from './client.js';
import { Connection } from './connection.js';
import { Context, announceContext, instrument, loggerContext, runInContext } from './context.js';
import { resolveSettings } from './settings.js';

const kContext = Symbol('picortex.context');
const kReply = Symbol('picortex.reply');
const LINQ_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];

export default function picortex(fastify, options, done) {
  const { linq, ...unknown } = options;
  const left = Object.keys(unknown).filter((name) => name !== 'prefix' && name !== 'logLevel');
  if (left.length > 0) return done(new TypeError(`Unknown option ${JSON.stringify(left[0])} of picortex/fastify. The option is linq.`));
  // Loggers of other kinds get the ID when the request's logger is made, but not the chat, which is known later.
  const isInstrumented = instrument(fastify.log);
  fastify.setGenReqId((raw) => {
    raw[kContext] = announceContext(new Context());
    return raw[kContext].requestId;
  });
  fastify.setChildLoggerFactory((logger, bindings, loggerOptions, raw) => {
    const { [requestIdLabel(fastify)]: _own, ...others } = bindings;
    const context = raw[kContext];
    const child = logger.child(isInstrumented ? others : { ...others, request_id: context?.requestId }, loggerOptions);
    if (context) child[loggerContext] = context;
    return child;
  });
  decorate(fastify);
  const connection = linq ? new Connection(resolveSettings(linq === true ? {} : linq)) : undefined;
  fastify.decorateRequest('forwardLinqWebhook', function forward(body) {
    if (!connection) throw new Error('Register picortex/fastify with { linq: true } to forward webhooks.');
    return forwardLinqWebhook(connection, this, body);
  });
  fastify.addHook('onClose', async () => connection?.close());
  return done();
}

// Hooks and decorators reach all routes, not only those of this plugin.
picortex[Symbol.for('skip-override')] = true;
picortex[Symbol.for('fastify.display-name')] = 'picortex';

function requestIdLabel(fastify) {
  return fastify.initialConfig?.requestIdLogLabel ?? 'reqId';
}

function decorate(fastify) {
  fastify.decorateRequest(kReply, null);
  fastify.decorateRequest('picortex', { getter() { return this.raw[kContext]; } });
  fastify.decorateRequest('requestId', {
    getter() { return this.raw[kContext].requestId; },
    // The ID of a message that was stored before it came here, such as the X-Request-ID of the daemon's answer.
    setter(value) {
      this.raw[kContext].requestId = value;
      if (this[kReply] && !this[kReply].sent) this[kReply].header('x-request-id', this.raw[kContext].requestId);
    },
  });
  fastify.decorateRequest('chatId', {
    getter() { return this.raw[kContext].chatId; },
    setter(value) { this.raw[kContext].chatId = value; },
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    request[kReply] = reply;
    reply.header('x-request-id', request.requestId);
    runInContext(request.raw[kContext], done);
  });
  // A body is read in the context of its socket, and an answer ends in that of its stream.
  for (const name of ['preValidation', 'preHandler']) {
    fastify.addHook(name, (request, _reply, done) => runInContext(request.raw[kContext], done));
  }
  fastify.addHook('onResponse', (request, _reply, done) => runInContext(request.raw[kContext], done));
}

// Hands Linq's webhook to the daemon, which checks the signature, stores the message and knows whether it has come before.
// `body` is the body's text as it arrived. Resolves to { status, stored, duplicate, requestId }; the request takes over the
// ID under which the message is stored. Rejects with an error whose statusCode is 503 when the
// daemon does not answer.
async function forwardLinqWebhook(connection, request, body) {
  const headers = {};
  for (const name of LINQ_HEADERS) {
    if (request.headers[name] !== undefined) headers[name] = request.headers[name];
  }
  const options = { contentType: 'application/json', headers, withToken: false };
  const reply = await connection.post('/webhooks/linq', body, options).catch((error) => {
    // Fastify answers with it, and Linq sends the webhook again.
    throw Object.assign(error, { statusCode: 503 });
  });
  const answer = reply.status === 200 ? JSON.parse(reply.text) : {};
  const requestId = answer.request_id ?? reply.headers['x-request-id'];
  if (reply.status === 200) request.requestId = requestId;
  return { status: reply.status, stored: answer.stored === true, duplicate: answer.duplicate === true, requestId };
}

export { loggerOptions } from './pino.js';
export { defaultClient };
