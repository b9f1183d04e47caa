// The HTTP proxy of @anthropic-ai/sandbox-runtime with a filter of one host: NAME PORT. Only for the fence's bench.
import { createHttpProxyServer } from '@anthropic-ai/sandbox-runtime/dist/sandbox/http-proxy.js';

const [name, port] = process.argv.slice(2);
createHttpProxyServer({ filter: async (_, host) => host === name }).listen(Number(port), '127.0.0.1');
