import type { HostSpec } from '../../model/index.js';
import type { HostView } from '../api.js';

/** The hosts that one source lists now. */
export interface HostSource {
  /** "settings", or "file:" and the path of an entry of inventory.files. */
  readonly id: string;
  readonly hosts: readonly HostSpec[];
}

/** A source whose missing hosts are kept. */
export interface HeldSource {
  readonly source: string;
  readonly missing: number;
  readonly known: number;
  readonly because: 'empty' | 'halved';
}

interface Arrangement {
  /** In the order of the sources; of an id that several list, the first one counts. */
  readonly put: readonly HostSpec[];
  /** The same name is listed under another id. */
  readonly replaced: readonly HostView[];
  readonly leaving: readonly HostView[];
  /** Missing, and kept because their source is held. */
  readonly kept: readonly HostView[];
  readonly held: readonly HeldSource[];
  readonly refused: readonly { readonly host: string; readonly because: string }[];
}

/** Hosts of earlier versions say "file", without which. */
const isOurs = (source: string): boolean => source === 'settings' || source === 'file' || source.startsWith('file:');

/** What has to happen so that the hosts are those of the sources. Pure. */
export function arrange(
  known: readonly HostView[],
  sources: readonly HostSource[],
  options: { readonly leaving: ReadonlySet<string>; readonly acceptRemovals: boolean },
): Arrangement {
  const put = new Map<string, HostSpec>();
  const idOfName = new Map<string, string>();
  const refused: { host: string; because: string }[] = [];
  const foreign = new Map(known.filter((host) => !isOurs(host.source)).map((host) => [host.name, host]));
  for (const { id: source, hosts } of sources) {
    for (const spec of hosts) {
      const id = spec.id ?? spec.name;
      const namesake = idOfName.get(spec.name) ?? foreign.get(spec.name)?.id;
      if (namesake !== undefined && namesake !== id) {
        refused.push({ host: spec.name, because: `another host bears its name (id ${namesake})` });
      } else if (!put.has(id)) {
        put.set(id, { ...spec, source });
        idOfName.set(spec.name, id);
      }
    }
  }
  const ours = known.filter((host) => isOurs(host.source));
  const gone = ours.filter((host) => !put.has(host.id));
  const replaced = gone.filter((host) => idOfName.has(host.name));
  const missing = gone.filter((host) => !idOfName.has(host.name));
  const leaving: HostView[] = [];
  const kept: HostView[] = [];
  const held: HeldSource[] = [];
  for (const [source, hosts] of bySource(missing)) {
    // Those that leave already were let go while the source was believed.
    const anew = hosts.filter((host) => !options.leaving.has(host.id));
    const all = ours.filter((host) => host.source === source && !options.leaving.has(host.id));
    const lists = sources.some(({ id, hosts: listed }) => id === source && listed.length > 0);
    const because = !lists && all.length > 0 ? 'empty' : anew.length * 2 > all.length ? 'halved' : undefined;
    if (because === undefined || options.acceptRemovals) leaving.push(...anew);
    else {
      held.push({ source, missing: anew.length, known: all.length, because });
      kept.push(...hosts);
    }
  }
  return { put: [...put.values()], replaced, leaving, kept, held, refused };
}

function bySource(hosts: readonly HostView[]): Map<string, HostView[]> {
  const groups = new Map<string, HostView[]>();
  for (const host of hosts) {
    const group = groups.get(host.source);
    if (group === undefined) groups.set(host.source, [host]);
    else group.push(host);
  }
  return groups;
}
