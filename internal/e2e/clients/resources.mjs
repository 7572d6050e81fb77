// What the clients send. Every call makes its own, so that steps do not meet each other's data.
import { randomUUID } from 'node:crypto';

export const LOINC = 'http://loinc.org';
export const MRN = 'urn:oid:2.16.840.1.113883.19.5';

/** An identifier that nobody else has. */
export const mrn = () => ({ system: MRN, value: randomUUID() });

export const token = (identifier) => `${identifier.system}|${identifier.value}`;

export function patient(identifier = mrn(), family = 'Testperson') {
  return {
    resourceType: 'Patient',
    extension: [{ url: 'http://example.org/fhir/StructureDefinition/weight', valueDecimal: 70.25 }],
    identifier: [identifier],
    active: true,
    name: [{ use: 'official', family, given: ['Žofie', 'Anna'] }],
    gender: 'female',
    birthDate: '1970-03',
    _birthDate: { extension: [{ url: 'http://example.org/fhir/StructureDefinition/source', valueCode: 'passport' }] },
  };
}

export function observation(subject, code = '8867-4') {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: LOINC, code }] },
    subject: { reference: subject },
    effectiveDateTime: '2024-02-29T08:00:00+01:00',
    valueQuantity: { value: 72, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  };
}

export function bundle(type, ...entry) {
  return { resourceType: 'Bundle', type, entry };
}

export function entry(method, url, resource, more = {}) {
  const { fullUrl, ...request } = more;
  return { ...(fullUrl && { fullUrl }), ...(resource && { resource }), request: { method, url, ...request } };
}

/** A JSON Patch as an entry of a Bundle carries it (R4 section 3.1.0.6). */
export function patchBinary(operations) {
  return {
    resourceType: 'Binary',
    contentType: 'application/json-patch+json',
    data: Buffer.from(JSON.stringify(operations)).toString('base64'),
  };
}
