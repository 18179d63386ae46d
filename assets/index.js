// The start page: what the service says of itself, again every five seconds while somebody looks.
const byId = (id) => document.getElementById(id);
const element = (tag, text, className = '') =>
  Object.assign(document.createElement(tag), { textContent: text, className });
const number = new Intl.NumberFormat('en');

const stateClass = { ready: 'good', backfilling: 'good', loading: 'warn', degraded: 'bad' };
const severityClass = { WARNING: 'warn', ERROR: 'bad', ALERT: 'bad' };
const MOST_ATTENTION = 8;

function tile(name, total, counts) {
  const box = element('div', '', 'tile');
  const parts = Object.entries(counts).map(([key, count]) => `${key} ${number.format(count)}`);
  box.append(element('span', name), element('strong', number.format(total)), element('span', parts.join(' · '), 'dim'));
  return box;
}

function show(status) {
  const { version, mode, hosts, vms, attention, eventsLastHour: events, asOf } = status;
  Object.assign(byId('state'), {
    textContent: `${status.status} · ${status.readiness}`,
    className: `mark ${stateClass[status.status] ?? ''}`,
  });
  const happened = Object.values(events).reduce((sum, count) => sum + count, 0);
  byId('tiles').replaceChildren(
    tile('Hosts', hosts.total, hosts.byStatus),
    tile('VMs', vms.total, vms.byStatus),
    tile('Reports of VMs that are live', vms.byFreshness.live, {
      stale: vms.byFreshness.stale,
      unknown: vms.byFreshness.unknown,
    }),
    tile('Events of the last hour', happened, events),
  );
  const lines = attention.slice(0, MOST_ATTENTION).map(({ severity, name, text }) => {
    const line = element('li', '');
    line.append(element('strong', severity, severityClass[severity]), ` ${name}  ${text}`);
    return line;
  });
  if (attention.length === 0) lines.push(element('li', 'Nothing needs you.', 'good'));
  if (attention.length > lines.length)
    lines.push(element('li', `and ${attention.length - lines.length} more: vurti status`, 'dim'));
  byId('attention').replaceChildren(...lines);
  byId('asof').textContent = `vurti ${version} · ${mode} · ${new Date(asOf).toLocaleString()}`;
}

async function look() {
  if (document.visibilityState === 'hidden') return;
  try {
    const answer = await fetch('/api/v1/status');
    const body = await answer.json();
    if (answer.ok) show(body);
    else Object.assign(byId('state'), { textContent: body.detail, className: 'mark warn' });
  } catch {
    Object.assign(byId('state'), { textContent: 'does not answer', className: 'mark bad' });
  }
}

await look();
setInterval(look, 5000);
document.addEventListener('visibilitychange', look);
