// Tests of the bar that long work shows.
import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { createProgressBar } from './progress-bar.ts'

function draw(isTTY: boolean, total: number): string {
  let text = ''
  const stream = new Writable({
    write(part, _encoding, written) {
      text += part
      written()
    },
  })
  const bar = createProgressBar({ stderr: Object.assign(stream, { isTTY }) }, 'keys')
  for (let done = 1; done <= total; done++) bar.show({ done, total })
  bar.end()
  return text
}

test('on a terminal the bar is drawn over itself, at most once for each of its marks', () => {
  const text = draw(true, 1000)
  assert.equal(text.split('\r').length - 1, 41)
  assert.ok(text.endsWith(`[${'#'.repeat(40)}] 1000 of 1000 keys\n`))
  assert.equal(text.split('\n').length, 2)
})

test('elsewhere it is told in ten lines, however much there is to do', () => {
  const lines = draw(false, 1000).trimEnd().split('\n')
  assert.equal(lines.length, 11)
  assert.equal(lines.at(-1), `[${'#'.repeat(40)}] 1000 of 1000 keys`)
})

test('without work there is no bar', () => {
  assert.equal(draw(true, 0), '')
})
