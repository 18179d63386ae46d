import { access, open } from 'node:fs/promises';

/** Follows links: one that leads nowhere counts as missing. */
export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** Makes the names in a folder durable: after a power cut a rename is there or not, never half. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
