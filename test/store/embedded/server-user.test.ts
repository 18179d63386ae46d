import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canEnter, type ServerUser } from '../../../src/store/embedded/server-user.js';
import { temporaryFolder } from './folder.js';

const stranger: ServerUser = { name: 'stranger', uid: 54321, gid: 54321, switched: true, ownName: 'root' };

describe('canEnter', () => {
  it.each([
    [0o755, 0o755, true],
    [0o711, 0o711, true],
    [0o700, 0o755, false],
    [0o755, 0o700, false],
    [0o750, 0o755, false],
    [0o744, 0o755, false],
  ])('with modes %o above %o for others: %s', async (outer, inner, expected) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'inner'));
    await chmod(join(folder, 'inner'), inner);
    await chmod(folder, outer);
    expect(await canEnter(stranger, join(folder, 'inner'))).toBe(expected);
  });

  it('looks at the bits of the owner and of the group where these apply', async () => {
    const folder = await temporaryFolder();
    const { uid, gid } = await stat(folder);
    await chmod(folder, 0o701);
    expect(await canEnter({ ...stranger, uid, gid }, folder)).toBe(true);
    expect(await canEnter({ ...stranger, gid }, folder)).toBe(false);
    await chmod(folder, 0o710);
    expect(await canEnter({ ...stranger, gid }, folder)).toBe(true);
  });
});
