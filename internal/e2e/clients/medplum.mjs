// @medplum/core, https://github.com/medplum/medplum, with its caches off: every step has to reach the server.
import assert from 'node:assert/strict';
import { MedplumClient, OperationOutcomeError } from '@medplum/core';
import { bundles } from './bundles.mjs';
import { refusals } from './refusals.mjs';
import { report } from './report.mjs';
import { observation, patient } from './resources.mjs';
import { writes } from './scenario.mjs';

const { FHIR_BASE, STAFF_TOKEN, READER_TOKEN } = process.env;

function adapter(accessToken, more = {}) {
  let status; // the library's error has the OperationOutcome, not the status
  const client = new MedplumClient({
    baseUrl: FHIR_BASE.replace(/fhir$/, ''), fhirUrlPath: 'fhir', accessToken, cacheTime: 0,
    fetch: async (...args) => {
      const response = await fetch(...args);
      status = response.status;
      return response;
    },
    ...more,
  });
  return {
    client,
    metadata: () => client.get('fhir/metadata'),
    create: (r, headers) => (headers ? client.createResourceIfNoneExist(r, headers['If-None-Exist']) : client.createResource(r)),
    read: (type, id) => client.readResource(type, id),
    vread: (type, id, version) => client.readVersion(type, id, version),
    update: (r, headers) => client.updateResource(r, headers && { headers }),
    updateWhere: (r, params) => client.upsertResource(r, params),
    patch: (type, id, ops) => client.patchResource(type, id, ops),
    delete: (type, id) => client.deleteResource(type, id),
    history: (type, id) => client.readHistory(type, id),
    search: (type, params) => client.search(type, params),
    pages: (type, params) => client.searchResourcePages(type, params),
    send: (bundle) => client.executeBatch(bundle),
    failure: (e) => ({ status, outcome: e.outcome, text: e.message }),
  };
}

const c = adapter(STAFF_TOKEN);

await report('@medplum/core', {
  ...writes(c),
  ...bundles(c),
  ...refusals(c, adapter(READER_TOKEN), adapter('none')),

  'reads batched': async () => { // the library can put the reads of a moment into one batch
    const { client } = adapter(STAFF_TOKEN, { autoBatchTime: 50 });
    const made = await Promise.all([c.create(patient()), c.create(patient())]);
    const [first, second, third] = await Promise.allSettled([
      client.readResource('Patient', made[0].id),
      client.readResource('Patient', made[1].id),
      client.readResource('Patient', 'absent'),
    ]);
    assert.deepEqual([first.value, second.value], made);
    assert.ok(third.reason instanceof OperationOutcomeError, String(third.reason));
    assert.equal(third.reason.outcome.issue[0].code, 'not-found');
  },
  'read reference': async () => {
    const made = await c.create(patient());
    const o = await c.create(observation(`Patient/${made.id}`));
    assert.deepEqual(await c.client.readReference(o.subject), made);
  },
  validate: async () => {
    const outcome = await c.client.validateResource(patient());
    assert.equal(outcome.resourceType, 'OperationOutcome');
    assert.ok(outcome.issue.every((i) => !['error', 'fatal'].includes(i.severity)), JSON.stringify(outcome));
  },
});
