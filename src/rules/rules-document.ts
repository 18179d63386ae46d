import { flapPairs } from '../events/index.js';
import { groundDocs, intentDocs } from './intent-grounds.js';
import { plainDoc, type RuleChapter, type RuleTable, ruleAnchor, ruleBook } from './rule-book.js';

const choices: Readonly<Record<RuleTable['choice'], string>> = {
  one: 'Exactly one of these applies.',
  each: 'Each of these that applies does, in this order.',
  first: 'In this order; the first that applies decides.',
  none: '',
};

const slug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');

/** docs/rules.md: what follows from what, as a specification. Written from the tables that decide, so it cannot lag behind. */
export function rulesDocument(generated: string): string {
  const titles = [...ruleBook.map(({ title }) => title), 'Advice'];
  const contents = titles.map((title, i) => `${i + 1}. [${title}](#${slug(title)})`);
  return `# Rules

${generated}

What vurti concludes from what it hears, by situation. Each rule has a name; the name stands in the cause of everything that the rule did, in \`vurti tail -x\`,
in \`vurti explain\` and in the log, and leads here: \`docs/rules.md#host-lost-vms-unknown\`. Settings have their names of [settings.md](settings.md), events of [events.md](events.md).

Two questions that bring people here: *Why is my VM Unknown?* [Because its host does not answer](#host-lost-vms-unknown). *Why is it Down, though nobody stopped it?* [Its host does not list it any more](#vm-absent-vanished).

Three things hold everywhere. Nothing is inferred from not knowing: a failed report makes no VM absent, and a rule whose facts are not known is off. Whatever could not be decided for good is decided again with every report. And vurti itself acts on nothing: what is to be done
is [advice](#advice) to the application that manages the hosts.

${contents.join('\n')}

${ruleBook.map(chapter).join('\n\n')}

### What may flap

${flapPairs.map(({ what, bad, good }) => `- ${what}: ${[...bad, ...good].map((name) => `\`${name}\``).join(', ')}`).join('\n')}

## Advice

Rules advise (*intents*); whoever manages the hosts acts. Advice is committed together with the change that it comes of, and delivered to \`monitor.intents$\` after that, at least once, until \`monitor.intents.acknowledge(key)\`, through
restarts of the service. The same advice has the same key and is given once. When what it rests on is gone it is withdrawn: nobody may act on it late. Beside an engine all advice is for information only.

| intent | what is advised | withdrawn when |
|---|---|---|
${Object.entries(intentDocs)
  .map(([intent, { doc, ground }]) => `| \`${intent}\` | ${doc} | ${groundDocs[ground]} |`)
  .join('\n')}
`;
}

function chapter({ title, intro, tables }: RuleChapter): string {
  return [`## ${title}`, intro, ...tables.map(table)].join('\n\n');
}

function table({ title, choice, rows }: RuleTable): string {
  const lines = rows.map(({ name, doc, needs }) => {
    const off = needs === undefined || needs === null ? '' : ` *Off without: ${needs}.*`;
    return `- <a id="${ruleAnchor(name)}"></a>**\`${name}\`** – ${plainDoc(doc)}${off}`;
  });
  return [`### ${title}`, ...(choices[choice] === '' ? [] : [choices[choice]]), lines.join('\n')].join('\n\n');
}
