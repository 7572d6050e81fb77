// One line of JSON on standard output for each step, for clients_test.go: {client, step, ms} and error if it failed.
// Everything else that a library prints belongs on standard error.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

console.log = console.info = console.debug = console.error;

/** The version of a package that was installed. Its exports may hide its package.json, the file system does not. */
function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}

/**
 * Runs the steps of a client one after the other. No step needs another one's success, so that a line tells about its
 * own step.
 * @param {string} client - name of its npm package
 * @param {Record<string, () => Promise<unknown>>} steps
 */
export async function report(client, steps) {
  say({ client, version: versionOf(client), node: process.version });
  for (const [step, act] of Object.entries(steps)) {
    const began = performance.now();
    const line = { client, step };
    try {
      await act();
    } catch (e) {
      line.error = describe(e);
    }
    say({ ...line, ms: Math.round(performance.now() - began) });
  }
  say({ client, done: Object.keys(steps).length });
}

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

function describe(e) {
  if (e instanceof assert.AssertionError) {
    return `${e.message}\n${e.stack.split('\n').filter((l) => l.includes('.mjs')).join('\n')}`;
  }
  const answer = e?.response?.data ?? e?.outcome;
  return (e?.stack ?? String(e)) + (answer ? `\n${JSON.stringify(answer)}` : '');
}
