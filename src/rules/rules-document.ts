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

/** The question that most readers come with, from its beginning to each of its ends. */
const story = `## Why is my VM Unknown?

Because nothing is heard of the host that it was on, and it may still run there. Step by step:

1. The host gives no answer to a whole cycle of questions: one *failed attempt*. It becomes Connecting ([\`host.failure.connecting\`](#host-failure-connecting)); its VMs keep their status. An answer that is an error is no failed attempt: the agent lives ([\`host.call-refused\`](#host-call-refused)).
2. Further attempts are counted, nothing else ([\`host.failure.in-grace\`](#host-failure-in-grace)), until *both* are over: more than grace.attempts (2) failed, and the host silent for longer than grace.seconds (60) + grace.perVmSeconds (0.5) for each VM + grace.spmSeconds (20) if it is the storage pool manager.
3. Then the host is NonResponsive ([\`host.lost\`](#host-lost)), and with it each of its VMs is Unknown ([\`host.lost.vms-unknown\`](#host-lost-vms-unknown)). Nothing else of the VM is touched: the host shown beside it is where it was last known to run. It is not Down: that would let a second copy be started beside the first.

It ends in one of these ways:

- The host lists the VM again: it has that status, and VM_STATUS_RESTORED says so ([\`vm.here.restored\`](#vm-here-restored)).
- The host answers, and leaves the VM out of absence.misses (2) complete reports: it is Down ([\`vm.absent.vanished\`](#vm-absent-vanished), beside an engine [\`vm.absent.collected-by-engine\`](#vm-absent-collected-by-engine)).
- Another host lists it: it runs there ([\`vm.elsewhere.adopt\`](#vm-elsewhere-adopt)). One that is only being started there does not count yet ([\`vm.elsewhere.migration-under-way\`](#vm-elsewhere-migration-under-way)).
- Somebody has proof that the host is off, by fencing or by looking: its VMs are Down, and those that are highly available may be started elsewhere ([\`host.off.vms-down\`](#host-off-vms-down)).

A VM can be Unknown for one more reason: it was handed over by the source of a migration to a host that is NonResponsive itself ([\`vm.down.handed-over\`](#vm-down-handed-over), [\`vm.here.post-copy\`](#vm-here-post-copy), [\`vm.absent.handed-over\`](#vm-absent-handed-over)).

\`vurti explain vm NAME\` says which of these steps it was, with times and figures, what was not concluded and why, and what comes next.`;

/** docs/rules.md: what follows from what, as a specification. Written from the tables that decide, so it cannot lag behind. */
export function rulesDocument(generated: string): string {
  const titles = [...ruleBook.map(({ title }) => title), 'Advice'];
  const contents = titles.map((title, i) => `${i + 1}. [${title}](#${slug(title)})`);
  return `# Rules

${generated}

What vurti concludes from what it hears, by situation. Each rule has a name; the name stands in the cause of everything that the rule did, in \`vurti tail -x\`,
in \`vurti explain\` and in the log, and leads here: \`docs/rules.md#host-lost-vms-unknown\`. Settings have their names of [settings.md](settings.md), events of [events.md](events.md).

Two questions that bring people here: *Why is my VM Unknown?* [Because its host does not answer](#why-is-my-vm-unknown). *Why is it Down, though nobody stopped it?* [Its host does not list it any more](#vm-absent-vanished).

Three things hold everywhere. Nothing is inferred from not knowing: a failed report makes no VM absent, and a rule whose facts are not known is off. Whatever could not be decided for good is decided again with every report. And vurti itself acts on nothing: what is to be done
is [advice](#advice) to the application that manages the hosts.

How to read this. A chapter is a situation: what was asked of a host, or what was heard of a VM. In a table of which exactly one row applies stands what the state becomes; in one of which each row that applies does stands what happens besides, in that order. A report is
*complete* when it could be read to its end. A VM is *missing* when a complete report of its host leaves it out, and *Unknown* when nothing can be known of it at present.

${contents.join('\n')}

${story}

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
