// The page to try the API: drawn from /openapi.json, nothing is loaded from elsewhere, the token stays in its field.
const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

const methodClass = { get: 'good', post: 'warn', delete: 'bad' };
/** More is not shown; it was received all the same. */
const MOST_TEXT = 200_000;

function inputFor({ name, schema }) {
  const values = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : undefined);
  if (values === undefined) {
    const members = schema.items?.enum;
    const list =
      members === undefined
        ? undefined
        : element('datalist', { id: crypto.randomUUID() }, ...members.map((value) => element('option', { value })));
    const input = element('input', {
      name,
      placeholder: members?.slice(0, 4).join(',') ?? schema.format ?? schema.type ?? '',
    });
    if (list !== undefined) {
      input.setAttribute('list', list.id);
      input.append(list);
    }
    return { input, extra: list };
  }
  const options = ['', ...values].map((value) => element('option', { value, textContent: value }));
  return { input: element('select', { name }, ...options) };
}

function bodyExample(schema) {
  const example = Object.fromEntries(
    (schema.required ?? []).map((key) => [key, schema.properties[key].enum?.[0] ?? '']),
  );
  return JSON.stringify(example, null, 2);
}

function asText(type, text) {
  const shown = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}\n…` : text;
  if (!type.includes('json')) return shown;
  try {
    return JSON.stringify(JSON.parse(text), null, 2).slice(0, MOST_TEXT);
  } catch {
    return shown;
  }
}

async function send({ method, path, operation, inputs, body, answer }) {
  let url = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { name, in: where } of operation.parameters ?? []) {
    const value = inputs.get(name).value;
    if (where === 'path') url = url.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== '' && where === 'query') query.set(name, value);
    else if (value !== '') headers[name] = value;
  }
  if (query.size > 0) url += `?${query}`;
  const token = byId('token').value;
  if (token !== '') headers.authorization = `Bearer ${token}`;
  const text = body?.value.trim() ?? '';
  if (text !== '') headers['content-type'] = 'application/json';
  const shownHeaders = Object.entries(headers).map(
    ([name, value]) => ` -H '${name}: ${name === 'authorization' ? 'Bearer …' : value}'`,
  );
  const curl = `curl -s${method === 'get' ? '' : ` -X ${method.toUpperCase()}`}${shownHeaders.join('')}${text === '' ? '' : ` -d '${text.replaceAll("'", "'\\''")}'`} '${location.origin}${url}'`;
  const began = performance.now();
  try {
    const response = await fetch(url, {
      method: method.toUpperCase(),
      headers,
      ...(text === '' ? {} : { body: text }),
    });
    const received = await response.text();
    const ms = Math.round(performance.now() - began);
    const etag = response.headers.get('etag');
    const head = `${response.status} ${response.statusText} · ${ms} ms${etag === null ? '' : ` · ETag ${etag}`}`;
    const shown = asText(response.headers.get('content-type') ?? '', received);
    answer.replaceChildren(
      element('div', { className: response.ok ? 'good' : 'bad', textContent: head }),
      element('div', { className: 'dim', textContent: curl }),
      element('pre', { textContent: shown }),
    );
  } catch (error) {
    answer.replaceChildren(element('div', { className: 'bad', textContent: `No answer: ${error.message}` }));
  }
  answer.hidden = false;
}

function routeCard(method, path, operation) {
  const inputs = new Map();
  const rows = (operation.parameters ?? []).map((parameter) => {
    const { input, extra } = inputFor(parameter);
    input.setAttribute('aria-label', parameter.name);
    inputs.set(parameter.name, input);
    const cell = element('td', {}, input, ...(extra === undefined ? [] : [extra]));
    const mark = parameter.required ? ' *' : '';
    return element(
      'tr',
      {},
      element('td', { className: 'path', textContent: `${parameter.name}${mark}` }),
      cell,
      element('td', { className: 'dim', textContent: parameter.description ?? '' }),
    );
  });
  const schema = operation.requestBody?.content['application/json'].schema;
  const keys = Object.entries(schema?.properties ?? {}).map(
    ([name, { description = '' }]) => `${name}: ${description}`,
  );
  const body = schema && element('textarea', { value: bodyExample(schema), spellcheck: false });
  body?.setAttribute('aria-label', 'Body');
  const answer = element('div', { className: 'answer', hidden: true });
  const button = element('button', { type: 'button', textContent: 'Send' });
  button.addEventListener('click', () => send({ method, path, operation, inputs, body, answer }));
  const streams = operation.responses['200']?.content?.['text/event-stream'] !== undefined;
  return element(
    'details',
    { id: operation.operationId },
    element(
      'summary',
      {},
      element('span', { className: `method ${methodClass[method] ?? ''}`, textContent: method.toUpperCase() }),
      element('span', { className: 'path', textContent: path }),
      element('span', { className: 'dim', textContent: operation.summary }),
    ),
    ...(operation.description === undefined ? [] : [element('p', { textContent: operation.description })]),
    ...(rows.length === 0 ? [] : [element('table', {}, element('tbody', {}, ...rows))]),
    ...(body === undefined ? [] : [body, element('pre', { className: 'dim', textContent: keys.join('\n') })]),
    ...(streams
      ? [element('p', { className: 'dim', textContent: 'A stream does not end: set follow to false to try it here.' })]
      : []),
    button,
    answer,
  );
}

const api = await (await fetch('/openapi.json')).json();
byId('version').textContent = api.info.version;
byId('about').textContent = api.info.description;
const cards = [];
const groups = api.tags.map(({ name }) => {
  const own = [];
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.tags[0] === name)
        own.push({
          card: routeCard(method, path, operation),
          text: `${method} ${path} ${operation.summary}`.toLowerCase(),
        });
    }
  }
  cards.push(...own);
  return element('div', {}, element('h2', { textContent: name }), ...own.map(({ card }) => card));
});
byId('routes').replaceChildren(...groups);
byId('find').addEventListener('input', ({ target }) => {
  for (const { card, text } of cards) card.hidden = !text.includes(target.value.trim().toLowerCase());
});
if (location.hash !== '') {
  const card = document.getElementById(location.hash.slice(1));
  if (card !== null) card.open = true;
}
