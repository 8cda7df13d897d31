// The console's files: right headers, no way out of the folder, the page for every route of its own.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createStaticFiles } from './http.ts'
import { codeOf, sendRaw, startTestHttp, statusOf, testConfig } from './test-support.ts'

async function start(t: TestContext, files: Record<string, string | Buffer>) {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-static-'))
  const folder = join(root, 'dist')
  mkdirSync(join(folder, 'assets'), { recursive: true })
  writeFileSync(join(root, 'secret.txt'), 'secret')
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const own = createStaticFiles({ folder, basePath: '/admin/ui/' })
  const silent = () => undefined
  const handlers = { own, proxy: silent, passThrough: silent, upgrade: silent }
  const { http, port } = await startTestHttp({ config: testConfig({ SHUTDOWN_GRACE_MS: '0' }), handlers })
  t.after(async () => {
    await http.close()
    rmSync(root, { recursive: true })
  })
  const get = (path: string, options: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual', ...options })
  return { port, get }
}

const script = 'console.log("x")'
const built = {
  'index.html': '<!doctype html>',
  'assets/app-1a2b.js': script,
  'assets/app-1a2b.js.gz': gzipSync(script),
  'logo.svg': '<svg/>',
}

test('the page is fresh each time, hashed assets are kept, both under a strict policy', async (t) => {
  const { get } = await start(t, built)
  for (const path of ['/admin/ui/', '/admin/ui/bindings', '/admin/ui/a/b', '/admin/ui/index.html']) {
    const page = await get(path)
    assert.equal(await page.text(), '<!doctype html>', path)
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
    assert.equal(page.headers.get('cache-control'), 'no-cache')
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';.*frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe/)
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
  }
  const asset = await get('/admin/ui/assets/app-1a2b.js', { headers: { 'accept-encoding': 'identity' } })
  assert.equal(asset.headers.get('cache-control'), 'public, max-age=31536000, immutable')
  assert.equal(asset.headers.get('content-encoding'), null)
  assert.equal(await asset.text(), script)
  assert.equal((await get('/admin/ui')).headers.get('location'), '/admin/ui/')
})

test('a compressed copy is served to who takes it, under a tag of its own', async (t) => {
  const { get } = await start(t, built)
  const path = '/admin/ui/assets/app-1a2b.js'
  const compressed = await get(path, { headers: { 'accept-encoding': 'br, gzip' } })
  assert.equal(compressed.headers.get('content-encoding'), 'gzip')
  assert.equal(compressed.headers.get('vary'), 'Accept-Encoding')
  assert.equal(await compressed.text(), script)
  const refusing = await get(path, { headers: { 'accept-encoding': 'gzip;q=0' } })
  assert.equal(refusing.headers.get('content-encoding'), null)
  assert.notEqual(refusing.headers.get('etag'), compressed.headers.get('etag'))
})

test('an unchanged file is 304, HEAD has no body, other methods are refused', async (t) => {
  const { get } = await start(t, built)
  const tag = (await get('/admin/ui/logo.svg')).headers.get('etag') ?? ''
  assert.equal((await get('/admin/ui/logo.svg', { headers: { 'if-none-match': tag } })).status, 304)
  const head = await get('/admin/ui/logo.svg', { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '6', ''])
  const post = await get('/admin/ui/', { method: 'POST' })
  assert.deepEqual([post.status, codeOf(await post.text())], [405, 'method_not_allowed'])
})

test('nothing outside the folder and no hidden file is served', async (t) => {
  const { port } = await start(t, { ...built, '.hidden.js': 'secret' })
  const paths = [
    '../secret.txt',
    '..%2fsecret.txt',
    '%2e%2e/secret.txt',
    '.hidden.js',
    'assets/../../secret.txt',
    '%00.js',
  ]
  for (const path of [...paths, 'missing.js', 'assets.js/x.js', 'index.html/x.js']) {
    const answer = await sendRaw(
      port,
      `GET /admin/ui/${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    )
    assert.ok([400, 404].includes(statusOf(answer)), `${path}: ${answer}`)
    assert.doesNotMatch(answer, /secret$/)
  }
})

test('without a build the page says how to make one', async (t) => {
  const { get } = await start(t, {})
  const answer = await get('/admin/ui/')
  assert.deepEqual([answer.status, codeOf(await answer.text())], [503, 'console_not_built'])
})
