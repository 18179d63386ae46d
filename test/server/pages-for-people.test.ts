import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { setup } from './setup.js';

const assets = new URL('../../assets/', import.meta.url);

it.each(['/', '/docs'])('%s: whatever it loads is there, and comes from here', async (path) => {
  const { get } = setup();
  const page = await get(path);
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/);
  const loaded = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
  expect(loaded).toContain('/docs/pages.css');
  // What monitors serves is only there where it is set up.
  for (const url of loaded.filter((one) => one !== '/metrics'))
    expect([url, (await get(url)).statusCode]).toEqual([url, 200]);
});

it('has no address of another place, and nothing inline that the policy would stop', () => {
  for (const file of readdirSync(assets)) {
    const text = readFileSync(new URL(file, assets), 'utf8');
    expect([file, /https?:\/\/|innerHTML|eval\(/.exec(text)?.[0]]).toEqual([file, undefined]);
    if (file.endsWith('.html'))
      expect([file, /<script(?![^>]* src=)|<style| style=| on\w+=/.exec(text)?.[0]]).toEqual([file, undefined]);
  }
});

it('is there while the service starts', async () => {
  const { get } = setup({ monitor: () => undefined });
  expect((await get('/')).statusCode).toBe(200);
});
