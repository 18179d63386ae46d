import type { AreaRunner } from './case.js';
import { factsOf, textOf } from './case.js';
import { checkActions, checkValues } from './expectations.js';
import { polled, V1, vmWorld } from './vm-world.js';

const staticNames: Readonly<Record<string, string>> = { memMb: 'memoryMb', sockets: 'vcpus' };

/** A VM that nobody told us of, and what libvirt's description says of it. */
export const runExternal: AreaRunner = async (c, failures) => {
  const xml = factsOf(c.reported['xml']);
  const { HostedEngineVmName: name } = factsOf(c.given['config']);
  const hostedEngine = name === undefined ? {} : { hostedEngineVmName: name === null ? null : textOf(name) };
  const world = await vmWorld({ vms: [], settings: hostedEngine });
  try {
    world.forget();
    await polled(world, {
      ...(xml['name'] === undefined ? {} : { name: textOf(xml['name']) }),
      ...(typeof xml['vcpus'] === 'number' ? { vcpus: xml['vcpus'] } : {}),
      ...(typeof xml['memMb'] === 'number' ? { memoryMb: xml['memMb'] } : {}),
    });
    const made = world.part('sets').vms.get(V1)?.static as Readonly<Record<string, unknown>> | undefined;
    checkValues('vmStatic', c.expect['vmStatic'], (key) => made?.[staticNames[key] ?? key], failures);
    checkActions(c.expect, world.actions(), failures);
  } finally {
    await world.stop();
  }
};
