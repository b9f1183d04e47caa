// Hands a page's request on to the daemon.
const DAEMON = process.env.PICORTEX_URL ?? `http://${process.env.PICORTEX_LISTEN ?? '127.0.0.1:8787'}`;

export async function forwardToDaemon(request, reply) {
  const answer = await fetch(DAEMON + request.url, {
    method: request.method,
    body: request.method === 'POST' ? request.body : undefined,
    headers: request.method === 'POST' ? { 'content-type': 'application/json', 'x-forwarded-for': request.ip } : {},
    signal: AbortSignal.timeout(5_000),
  }).catch((error) => {
    throw Object.assign(error, { statusCode: 503 });
  });
  for (const name of ['content-type', 'retry-after']) {
    if (answer.headers.has(name)) reply.header(name, answer.headers.get(name));
  }
  return reply.code(answer.status).send(Buffer.from(await answer.arrayBuffer()));
}
