import { describe, expect, it } from 'vitest';
import { parsePidFile } from '../../../src/store/embedded/pid-file.js';

const file = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('parsePidFile', () => {
  it('reads what PostgreSQL writes', () => {
    const text = file('5224', '/srv/data', '1795212088', '5432', '/srv/socket', '', ' 16039945        20', 'ready   ');
    expect(parsePidFile(text)).toEqual({ pid: 5224, port: 5432, status: 'ready' });
  });

  it('reads a file that is not finished', () => {
    expect(parsePidFile(file('5224', '/srv/data', '1795212088'))).toEqual({
      pid: 5224,
      port: undefined,
      status: undefined,
    });
    expect(parsePidFile(file('5224', '/srv/data', '1', '5432', '/srv', '', '1 2', 'starting'))?.status).toBe(
      'starting',
    );
    expect(parsePidFile(file('5224', '/srv/data', '1', '5432', '/srv', '', '1 2', 'sta'))?.status).toBeUndefined();
  });

  it.each(['', '\n', '-77\n/srv\n', 'x', '0', '1e99', '<html>'])('takes %j for nothing', (text) => {
    expect(parsePidFile(text)).toBeUndefined();
  });
});
