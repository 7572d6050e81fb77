// Steps that the server refuses: what reaches the user of the library?
import assert from 'node:assert/strict';
import { mrn, patient } from './resources.mjs';
import { refused } from './scenario.mjs';

/**
 * @param c - with the rights of staff
 * @param reader - may read and search only
 * @param stranger - has a token that is none
 */
export function refusals(c, reader, stranger) {
  return {
    absent: () => refused(c, c.read('Patient', 'absent'), 404, 'not-found'),
    invalid: async () => {
      const issue = await refused(c, c.create({ ...patient(), gender: 'unsure' }), 400, 'code-invalid');
      assert.deepEqual(issue.expression, ['Patient.gender']);
    },
    'version conflict': async () => {
      const made = await c.create(patient());
      await refused(c, c.update({ ...made, active: false }, { 'If-Match': 'W/"7"' }), 412, 'conflict');
      assert.deepEqual(await c.read('Patient', made.id), made);
    },
    'patch test fails': async () => {
      const made = await c.create(patient());
      await refused(c, c.patch('Patient', made.id, [{ op: 'test', path: '/active', value: false }]), 412, 'conflict');
    },
    'patch leads nowhere': async () => {
      const made = await c.create(patient());
      await refused(c, c.patch('Patient', made.id, [{ op: 'replace', path: '/name/7/family', value: 'x' }]), 422, 'business-rule');
    },
    'several match': async () => {
      const id = mrn();
      await c.create(patient(id));
      await c.create(patient(id));
      await refused(c, c.updateWhere(patient(id), { identifier: `${id.system}|${id.value}` }), 412, 'multiple-matches');
    },
    'read only': async () => {
      const made = await c.create(patient());
      assert.deepEqual(await reader.read('Patient', made.id), made);
      await refused(reader, reader.create(patient()), 403, 'forbidden');
      await refused(reader, reader.update({ ...made, active: false }), 403, 'forbidden');
      await refused(reader, reader.patch('Patient', made.id, [{ op: 'replace', path: '/active', value: false }]), 403, 'forbidden');
      await refused(reader, reader.delete('Patient', made.id), 403, 'forbidden');
      await refused(reader, reader.read('Patient', 'absent'), 404, 'not-found');
      assert.deepEqual(await c.read('Patient', made.id), made);
    },
    'no valid token': async () => {
      const error = await stranger.read('Patient', 'absent').then(() => assert.fail('not refused'), (e) => e);
      assert.equal(stranger.failure(error).status, 401, String(error));
    },
  };
}
