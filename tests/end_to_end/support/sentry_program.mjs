// A program that reports to the DSN in SENTRY_DSN with the real @sentry/node, and prints the ids of its events as JSON.
import * as Sentry from '@sentry/node';

Sentry.init({ dsn: process.env.SENTRY_DSN, release: 'bot@1.2', environment: 'test' });
Sentry.setTag('component', 'bot');

function innermost() {
  throw new TypeError('the bot broke', { cause: new RangeError('too far') });
}
function caught(run) {
  try {
    run();
  } catch (error) {
    return error;
  }
}

const ids = {
  exception: Sentry.captureException(caught(innermost), { tags: { attempt: 3 } }),
  again: Sentry.captureException(caught(innermost)),
  message: Sentry.captureMessage('only a message', 'warning'),
};
// More than the daemon takes, were it not compressed.
Sentry.withScope((scope) => {
  scope.addAttachment({ filename: 'a.txt', data: 'a'.repeat(600_000) });
  scope.setFingerprint(['{{ default }}', 'large']);
  ids.large = Sentry.captureException(new Error('large'), { extra: { pad: 'x'.repeat(600_000) } });
});
if (!(await Sentry.flush(10_000))) throw new Error('not all was sent');
console.log(JSON.stringify(ids));
process.exit(0);
