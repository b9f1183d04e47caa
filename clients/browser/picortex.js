// Reports this page's errors: <script src="/picortex.js" data-build="1.2.3"></script>
{
  const own = document.currentScript, { build, ...more } = own ? own.dataset : {};
  const place = new URL('api/frontend-log', own ? own.src : location.href);
  const seen = new Set(), unsent = [];
  let sent = 0, since = 0, left = 0;
  const cut = (value, size = 1e3) => {
    try { return value == null ? null : `${value}`.slice(0, size); } catch { return typeof value; }
  };
  const beacon = (body) => navigator.sendBeacon(place, body);
  const keep = (body) => unsent.length < 10 ? unsent.push(body) : ++left;
  const render = (level, message, error, extra) => JSON.stringify({
    level, message, error: cut(error), stack: cut(error?.stack, 8e3), context: {
      url: location.href, ua: navigator.userAgent,
      build: build ?? (typeof __VERSION__ === 'undefined' ? null : __VERSION__), ...more, ...extra
    }
  });
  const report = (error, message, extra) => {
    const key = message + error?.stack, now = Date.now();
    if (now - since > 6e4) [since, sent] = [now, 0];
    if (seen.has(key) || sent > 9 || seen.size > 99) return void ++left;
    ++sent;
    seen.add(key);
    const body = render('error', cut(message) + '', error, extra);
    if (document.hidden && beacon(body)) return;
    fetch(place, { method: 'POST', body, keepalive: true }).then((r) => r.ok || keep(body), () => keep(body));
  };
  addEventListener('error', ({ target, error, message }) => target === window ? report(error, message)
    : report(null, 'Cannot load ' + (target.src || target.href)), true);
  addEventListener('unhandledrejection', ({ reason }) => report(reason, 'Unhandled rejection: ' + cut(reason)));
  addEventListener('visibilitychange', () => {
    if (!document.hidden) return;
    unsent.splice(0).forEach(beacon);
    if (left) beacon(render('warn', left + ' more errors, repeated or too many'));
    left = 0;
  });
  window.picortex = { report: (error, extra) => report(error, cut(error?.message ?? error), extra) };
}
