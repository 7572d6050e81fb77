// What every client does. A client is an adapter of the library's own calls (see fhirkit.mjs):
//
//   metadata() create(r, headers) read(type, id) vread(type, id, version) update(r, headers) patch(type, id, ops)
//   updateWhere(r, query) delete(type, id) history(type, id) search(type, params) pages(type, params) send(bundle)
//   failure(error) -> {status, outcome, text}: what a user of the library gets to see of an error
import assert from 'node:assert/strict';
import { mrn, observation, patient, token } from './resources.mjs';

/** Steps with the rights of staff. */
export function writes(c) {
  return {
    metadata: async () => {
      const statement = await c.metadata();
      assert.equal(statement.resourceType, 'CapabilityStatement');
      assert.equal(statement.fhirVersion, '4.0.1');
    },
    create: async () => {
      const sent = patient();
      const got = await c.create(sent);
      sameResource(got, sent, '1');
      assert.match(got.id, /^[A-Za-z0-9.-]{1,64}$/);
    },
    read: async () => {
      const made = await c.create(patient());
      assert.deepEqual(await c.read('Patient', made.id), made);
    },
    update: async () => {
      const made = await c.create(patient());
      const changed = { ...made, active: false };
      sameResource(await c.update(changed), changed, '2');
      sameResource(await c.read('Patient', made.id), changed, '2');
      assert.deepEqual(await c.vread('Patient', made.id, '1'), made);
    },
    'update as create': async () => {
      const sent = { ...patient(), id: `own-${mrn().value}` };
      sameResource(await c.update(sent), sent, '1');
    },
    'update if match': async () => {
      const made = await c.create(patient());
      const changed = { ...made, active: false };
      assert.equal((await c.update(changed, { 'If-Match': 'W/"1"' })).meta.versionId, '2');
    },
    patch: async () => {
      const { _birthDate, ...made } = await c.create(patient());
      const got = await c.patch('Patient', made.id, [
        { op: 'test', path: '/name/0/family', value: 'Testperson' },
        { op: 'replace', path: '/name/0/family', value: 'Newname' },
        { op: 'add', path: '/name/0/given/-', value: 'Third' },
        { op: 'remove', path: '/_birthDate' },
      ]);
      const want = { ...made, name: [{ ...made.name[0], family: 'Newname', given: ['Žofie', 'Anna', 'Third'] }] };
      sameResource(got, want, '2');
      sameResource(await c.read('Patient', made.id), want, '2');
    },
    delete: async () => {
      const made = await c.create(patient());
      await c.delete('Patient', made.id);
      await refused(c, c.read('Patient', made.id), 410, 'deleted');
      await c.delete('Patient', made.id); // of what is deleted already succeeds, too
    },
    history: async () => {
      const made = await c.create(patient());
      await c.update({ ...made, active: false });
      await c.delete('Patient', made.id);
      const h = await c.history('Patient', made.id);
      assert.equal(h.type, 'history');
      assert.equal(h.total, 3);
      assert.deepEqual(h.entry.map((e) => e.request.method), ['DELETE', 'PUT', 'POST']); // newest first
      assert.equal(h.entry[0].resource, undefined);
      assert.equal(h.entry[1].resource.active, false);
      assert.deepEqual(h.entry[2].resource, made);
      assert.ok(h.entry.every((e) => /^2/.test(e.response.status)));
    },
    search: async () => {
      const id = mrn();
      const made = await c.create(patient(id, 'Searchname'));
      await c.create(patient(mrn(), 'Searchname'));
      const found = await c.search('Patient', { identifier: token(id), name: 'searchn', birthdate: 'lt1980' });
      assert.equal(found.type, 'searchset');
      assert.equal(found.total, 1);
      assert.equal(found.entry[0].search.mode, 'match');
      assert.ok(found.entry[0].fullUrl.endsWith(`/fhir/Patient/${made.id}`), found.entry[0].fullUrl);
      assert.deepEqual(found.entry[0].resource, made);
      const none = await c.search('Patient', { identifier: token(mrn()) });
      assert.deepEqual([none.total, none.entry], [0, undefined]);
    },
    paging: () => paging(c),
    'conditional create': async () => {
      const id = mrn();
      const first = await c.create(patient(id), { 'If-None-Exist': `identifier=${token(id)}` });
      const again = await c.create(patient(id), { 'If-None-Exist': `identifier=${token(id)}` });
      assert.equal(again.id, first.id);
      assert.equal(again.meta.versionId, '1');
    },
    'conditional update': async () => {
      const id = mrn();
      const first = await c.updateWhere(patient(id), { identifier: token(id) });
      assert.equal(first.meta.versionId, '1');
      const again = await c.updateWhere({ ...patient(id), active: false }, { identifier: token(id) });
      assert.deepEqual([again.id, again.meta.versionId, again.active], [first.id, '2', false]);
    },
  };
}

/** Follows the next links over four pages, while other data comes in. */
async function paging(c) {
  const { id } = await c.create(patient());
  const subject = `Patient/${id}`;
  const made = await Promise.all(Array.from({ length: 7 }, () => c.create(observation(subject))));
  const pages = [];
  for await (const page of c.pages('Observation', { subject, _count: '2' })) {
    pages.push(page.map((r) => r.id));
    if (pages.length === 1) await c.create(observation(subject)); // is not on the pages of the search that began before
  }
  assert.deepEqual(pages.map((p) => p.length), [2, 2, 2, 1]);
  assert.deepEqual(pages.flat().sort(), made.map((r) => r.id).sort());
}

/** got is what was sent, with an id and the meta of that version. */
function sameResource(got, sent, version) {
  const { id, meta, ...rest } = got;
  const { id: _, meta: __, ...want } = sent;
  assert.deepEqual(rest, want);
  assert.equal(meta.versionId, version);
  assert.ok(Math.abs(Date.now() - Date.parse(meta.lastUpdated)) < 60_000, meta.lastUpdated);
  assert.ok(id && (!sent.id || sent.id === id), `id ${id}`);
}

/** The request fails, and the user of the library learns the status, the code and what was wrong. */
export async function refused(c, request, status, code) {
  const error = await request.then((r) => assert.fail(`not refused: ${JSON.stringify(r)}`), (e) => e);
  if (error instanceof assert.AssertionError) throw error;
  const seen = c.failure(error);
  assert.equal(seen.status, status, seen.text);
  assert.equal(seen.outcome?.resourceType, 'OperationOutcome', String(error));
  const issue = seen.outcome.issue[0];
  assert.deepEqual([issue.severity, issue.code], ['error', code]);
  assert.ok(issue.diagnostics, 'no diagnostics');
  const said = [issue.diagnostics, JSON.stringify(issue.diagnostics).slice(1, -1)]; // as it is, or within JSON
  assert.ok(said.some((s) => seen.text.includes(s)), `${issue.diagnostics} is not in: ${seen.text}`);
  return issue;
}
