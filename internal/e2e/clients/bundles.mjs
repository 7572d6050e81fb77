// Steps with Bundles.
import assert from 'node:assert/strict';
import { bundle, entry, mrn, observation, patchBinary, patient, token } from './resources.mjs';
import { refused } from './scenario.mjs';

export function bundles(c) {
  return {
    batch: async () => {
      const made = await c.create(patient());
      const old = await c.create(patient());
      const got = await c.send(bundle('batch',
        entry('GET', `Patient/${made.id}`),
        entry('POST', 'Patient', patient()),
        entry('GET', 'Patient/absent'),
        entry('PATCH', `Patient/${made.id}`, patchBinary([{ op: 'replace', path: '/active', value: false }])),
        entry('DELETE', `Patient/${old.id}`),
        entry('GET', `Observation?subject=Patient/${made.id}`),
        entry('PUT', `Patient/${made.id}`, { ...made, active: 'yes' }),
      ));
      assert.equal(got.type, 'batch-response');
      assert.deepEqual(got.entry.map((e) => e.response.status.slice(0, 3)), ['200', '201', '404', '200', '204', '200', '400']);
      assert.equal(got.entry[0].resource.id, made.id);
      assert.equal(got.entry[0].resource.active, false); // reads come last
      assert.match(got.entry[1].response.location, /Patient\/[A-Za-z0-9.-]+\/_history\/1$/);
      assert.equal(got.entry[2].response.outcome.issue[0].code, 'not-found');
      assert.equal(got.entry[3].response.etag, 'W/"2"');
      assert.equal(got.entry[5].resource.type, 'searchset');
      assert.match(got.entry[6].response.outcome.issue[0].expression[0], /active/);
    },
    transaction: async () => {
      const id = mrn();
      const fullUrl = 'urn:uuid:7b2c1f4e-64a2-4b0a-8f57-6f1f0b0a7a11';
      const got = await c.send(bundle('transaction',
        entry('GET', `Patient?identifier=${encodeURIComponent(token(id))}`),
        entry('POST', 'Observation', observation(fullUrl)),
        entry('POST', 'Patient', patient(id), { fullUrl }),
        entry('POST', 'Patient', patient(), { ifNoneExist: `identifier=${encodeURIComponent(token(mrn()))}` }),
      ));
      assert.equal(got.type, 'transaction-response');
      assert.deepEqual(got.entry.map((e) => e.response.status.slice(0, 3)), ['200', '201', '201', '201']);
      const [, type, patientID] = got.entry[2].response.location.match(/(Patient)\/([^/]+)\/_history\/1$/);
      const observationID = got.entry[1].response.location.match(/Observation\/([^/]+)\/_history\/1$/)[1];
      assert.equal(got.entry[0].resource.entry[0].resource.id, patientID); // reads see what the transaction wrote
      const stored = await c.read('Observation', observationID);
      assert.equal(stored.subject.reference, `${type}/${patientID}`);
    },
    'transaction rolls back': async () => {
      const id = mrn();
      const failing = bundle('transaction',
        entry('POST', 'Patient', patient(id)),
        entry('PUT', 'Patient/other', { ...patient(), id: 'different' }),
      );
      const issue = await refused(c, c.send(failing), 400, 'invalid');
      assert.ok(issue.expression?.[0].startsWith('Bundle.entry[1]'), `expression ${issue.expression}`);
      assert.equal((await c.search('Patient', { identifier: token(id) })).total, 0);
    },
  };
}
