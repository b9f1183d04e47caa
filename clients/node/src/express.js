// Middleware for Express, Connect and node:http: (request, response, next).
import { Context, instrument, runInContext } from './context.js';

export default function picortex({ logger } = {}) {
  if (logger && !instrument(logger)) throw new TypeError('logger is not a pino logger: pino\'s mixin cannot be set.');
  return (request, response, next) => {
    const context = new Context();
    response.setHeader('X-Request-ID', context.requestId);
    Object.defineProperties(request, {
      requestId: {
        configurable: true, enumerable: true,
        get: () => context.requestId,
        set(value) {
          context.requestId = value;
          if (!response.headersSent) response.setHeader('X-Request-ID', context.requestId);
        },
      },
      chatId: { configurable: true, enumerable: true, get: () => context.chatId, set: (value) => (context.chatId = value) },
    });
    runInContext(context, next);
  };
}
