// test-totals.mjs REPORT EXIT_CODE: reads vitest's JSON report of all projects and prints `N passed, N failed`.
// What broke outside a test (a file that does not load, an unhandled error, no report at all) counts as failed too.
import { readFileSync } from 'node:fs';

const [reportFile, exitCode] = process.argv.slice(2);

let passed = 0;
let failed = 0;
try {
  const report = JSON.parse(readFileSync(reportFile, 'utf8'));
  const isBroken = (file) =>
    file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed');
  passed = report.numPassedTests;
  failed = report.numFailedTests + report.testResults.filter(isBroken).length;
} catch (error) {
  console.error(`The test report cannot be read: ${error.message}`);
  failed = 1;
}
if (failed === 0 && exitCode !== '0') failed = 1;
console.log(`${passed} passed, ${failed} failed`);
