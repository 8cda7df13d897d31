// The three languages say the same things, and every text is well formed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onboardingSteps } from '@sallyport/contract'
import { compileMessages } from '../../build/precompile-messages.ts'
import { locales, preferredLocale } from './locale.ts'
import en from './locales/en.json' with { type: 'json' }
import fr from './locales/fr.json' with { type: 'json' }
import zh from './locales/zh.json' with { type: 'json' }

type Texts = { [key: string]: string | Texts }

/** Path and placeholders of every text. */
function outline(texts: Texts, path = ''): string[] {
  return Object.entries(texts).flatMap(([key, value]) => {
    if (typeof value !== 'string') return outline(value, `${path}${key}.`)
    const placeholders = new Set(value.match(/\{\w+\}/g) ?? [])
    return [`${path}${key} ${[...placeholders].sort().join(' ')}`]
  })
}

for (const [name, texts] of Object.entries({ fr, zh })) {
  test(`${name} has the texts of English, with the same placeholders`, () => {
    assert.deepEqual(outline(texts), outline(en))
  })
}

test('every text compiles', () => {
  for (const texts of [en, fr, zh]) compileMessages(texts)
})

test('each step of the onboarding has a name', () => {
  assert.deepEqual(
    Object.keys(en.onboarding.steps),
    onboardingSteps.map((_, index) => String(index + 1)),
  )
  assert.ok(en.onboarding.step.endsWith(` ${onboardingSteps.length}`))
})

test('a malformed text fails the build by name', () => {
  assert.throws(() => compileMessages({ greeting: 'Hello {name' }), /greeting/)
})

test("the first of the browser's languages that we speak is taken, else English", () => {
  assert.equal(preferredLocale(['de-DE', 'zh-TW', 'fr']), 'zh')
  assert.equal(preferredLocale(['de-DE']), 'en')
  assert.equal(preferredLocale([]), 'en')
  assert.deepEqual(locales, ['en', 'zh', 'fr'])
})
