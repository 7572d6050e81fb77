// fhir-kit-client, https://github.com/Vermonster/fhir-kit-client
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';
import { bundles } from './bundles.mjs';
import { refusals } from './refusals.mjs';
import { report } from './report.mjs';
import { mrn, observation, patient, token } from './resources.mjs';
import { writes } from './scenario.mjs';

const { FHIR_BASE: baseUrl, STAFF_TOKEN, READER_TOKEN } = process.env;

function adapter(bearerToken) {
  const client = new Client({ baseUrl, bearerToken });
  return {
    client,
    metadata: () => client.capabilityStatement(),
    create: (body, headers) => client.create({ resourceType: body.resourceType, body, options: { headers } }),
    read: (resourceType, id) => client.read({ resourceType, id }),
    vread: (resourceType, id, version) => client.vread({ resourceType, id, version }),
    update: (body, headers) => client.update({ resourceType: body.resourceType, id: body.id, body, options: { headers } }),
    updateWhere: (body, searchParams) => client.update({ resourceType: body.resourceType, searchParams, body }),
    patch: (resourceType, id, jsonPatch) => client.patch({ resourceType, id, jsonPatch }),
    delete: (resourceType, id) => client.delete({ resourceType, id }),
    history: (resourceType, id) => client.history({ resourceType, id }),
    search: (resourceType, searchParams) => client.search({ resourceType, searchParams }),
    send: (body) => (body.type === 'batch' ? client.batch({ body }) : client.transaction({ body })),
    async *pages(resourceType, searchParams) {
      let bundle = await client.search({ resourceType, searchParams });
      for (; bundle; bundle = await client.nextPage({ bundle })) yield bundle.entry.map((e) => e.resource);
    },
    // The message has the status alone; the body is what an application shows.
    failure: (e) => ({ status: e.response?.status, outcome: e.response?.data, text: JSON.stringify(e.response?.data ?? e.message) }),
  };
}

const c = adapter(STAFF_TOKEN);

await report('fhir-kit-client', {
  ...writes(c),
  ...bundles(c),
  ...refusals(c, adapter(READER_TOKEN), adapter('none')),

  'search by POST': async () => {
    const id = mrn();
    const made = await c.create(patient(id));
    const found = await c.client.search({ resourceType: 'Patient', searchParams: { identifier: token(id) }, options: { postSearch: true } });
    assert.deepEqual(found.entry.map((e) => e.resource), [made]);
  },
  'type history': async () => {
    const made = await c.create(patient());
    const h = await c.client.history({ resourceType: 'Patient' });
    const newest = h.entry.find((e) => e.resource?.id === made.id); // others write at the same time
    assert.deepEqual(newest.resource, made);
  },
  resolve: async () => {
    const made = await c.create(patient());
    const o = await c.create(observation(`Patient/${made.id}`));
    assert.deepEqual(await c.client.resolve({ reference: o.subject.reference, context: o }), made);
  },
  operation: async () => {
    const made = await c.create(patient());
    const o = await c.create(observation(`Patient/${made.id}`));
    const all = await c.client.operation({ name: 'everything', resourceType: 'Patient', id: made.id, method: 'GET' });
    assert.deepEqual(all.entry.map((e) => e.resource.id).sort(), [made.id, o.id].sort());
  },
  headers: async () => {
    const made = await c.create(patient());
    const { response } = Client.httpFor(made);
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('location'), `${baseUrl}/Patient/${made.id}/_history/1`);
    assert.equal(response.headers.get('etag'), 'W/"1"');
    assert.match(response.headers.get('content-type'), /^application\/fhir\+json/);
  },
});
