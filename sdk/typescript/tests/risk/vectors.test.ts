import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyzeText, TAGS } from '../../src/risk/index.ts';
import { CASES, PUBLISHED_TAGS, redact } from './vectors.ts';

test('the tags are the published ones, in their order', () => {
  assert.deepEqual([...TAGS], PUBLISHED_TAGS);
});

for (const { name, text, tags, redacted } of CASES) {
  test(name, () => {
    assert.deepEqual(analyzeText(text), tags);
    assert.equal(redact(text), redacted);
    assert.equal(redact(redacted), redacted);
  });
}
