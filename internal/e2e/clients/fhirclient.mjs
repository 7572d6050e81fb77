// fhirclient, https://github.com/smart-on-fhir/client-js, as its Node build offers it to a server that has a token.
import assert from 'node:assert/strict';
import smart from 'fhirclient';
import { bundles } from './bundles.mjs';
import { refusals } from './refusals.mjs';
import { report } from './report.mjs';
import { mrn, observation, patient } from './resources.mjs';
import { writes } from './scenario.mjs';

const { FHIR_BASE: serverUrl, STAFF_TOKEN, READER_TOKEN } = process.env;

// Outside a launch the library wants no more of a web server than a request's and an answer's shape.
const api = smart({ headers: {}, socket: {}, url: '/' }, {}, { get: async () => {}, set: async () => {}, unset: async () => {} });

const open = (access_token, patient) => api.client({ serverUrl, tokenResponse: { access_token, token_type: 'Bearer', patient } });

const query = (type, params) => `${type}?${new URLSearchParams(params)}`;

function adapter(token) {
  const client = open(token);
  return {
    client,
    metadata: () => client.request('metadata'),
    create: (r, headers) => client.create(r, { headers }),
    read: (type, id) => client.request(`${type}/${id}`),
    vread: (type, id, version) => client.request(`${type}/${id}/_history/${version}`),
    update: (r, headers) => client.update(r, { headers }),
    updateWhere: (r, params) => client.request({
      url: query(r.resourceType, params), method: 'PUT', body: JSON.stringify(r), headers: { 'content-type': 'application/json' },
    }),
    patch: (type, id, ops) => client.patch(`${type}/${id}`, ops),
    delete: (type, id) => client.delete(`${type}/${id}`),
    history: (type, id) => client.request(`${type}/${id}/_history`),
    search: (type, params) => client.request(query(type, params)),
    send: (bundle) => client.request({
      url: '', method: 'POST', body: JSON.stringify(bundle), headers: { 'content-type': 'application/json' },
    }),
    async *pages(type, params) {
      for await (const bundle of client.pages(query(type, params))) yield bundle.entry.map((e) => e.resource);
    },
    // The message carries the body, after the status and the URL; of a 401, also what the library makes of it.
    failure: (e) => {
      const [, json] = e.message.match(/\n\n(\{\n.*?\n\})/s) ?? [];
      return { status: e.status, outcome: json && JSON.parse(json), text: e.message };
    },
  };
}

const c = adapter(STAFF_TOKEN);

await report('fhirclient', {
  ...writes(c),
  ...bundles(c),
  ...refusals(c, adapter(READER_TOKEN), adapter('none')),

  release: async () => assert.equal(await c.client.getFhirRelease(), 4),
  'all pages at once': async () => {
    const { id } = await c.create(patient());
    const made = await Promise.all(Array.from({ length: 5 }, () => c.create(observation(`Patient/${id}`))));
    const all = await c.client.request(query('Observation', { subject: `Patient/${id}`, _count: '2' }), { pageLimit: 0, flat: true });
    assert.deepEqual(all.map((r) => r.id).sort(), made.map((r) => r.id).sort());
  },
  'resolve references': async () => {
    const made = await c.create(patient());
    const o = await c.create(observation(`Patient/${made.id}`));
    const got = await c.client.request(`Observation/${o.id}`, { resolveReferences: ['subject'] });
    assert.deepEqual(got.subject, made);
  },
  'patient in context': async () => {
    const made = await c.create(patient());
    const o = await c.create(observation(`Patient/${made.id}`));
    await c.create(observation(`Patient/${(await c.create(patient(mrn()))).id}`));
    const client = open(STAFF_TOKEN, made.id);
    assert.deepEqual(await client.patient.read(), made);
    const got = await client.patient.request('Observation', { flat: true }); // finds the parameter in /metadata
    assert.deepEqual(got, [o]);
  },
  headers: async () => {
    const { body, response } = await c.client.create(patient(), { includeResponse: true });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('location'), `${serverUrl}/Patient/${body.id}/_history/1`);
    assert.match(response.headers.get('content-type'), /json/); // else the library does not parse it
  },
  'return minimal': async () => { // a created answer without a body is followed to its Location
    const sent = patient();
    const { id, meta, ...rest } = await c.create(sent, { Prefer: 'return=minimal' });
    assert.deepEqual(rest, sent);
    assert.equal(meta.versionId, '1');
  },
});
