// The console in a real browser against the real gateway: signing in, what passed and was refused, clients with all they have.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { call } from './support/call.ts'
import {
  dialog,
  openBrowser,
  openFromMenu,
  openPage,
  passwordField,
  press,
  signIn as signInAt,
  submit,
  takeSecret,
  unexpected,
} from './support/console.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { jsonCall } from './support/gateway.ts'
import { needs } from './support/needs.ts'
import { openScope } from './support/scope.ts'
import { testSecrets } from './support/storage.ts'
import { from, newToken } from './support/tokens.ts'

describe('the console', await needs('chromium'), () => {
  const scope = openScope({ after })
  let browser: Browser
  let fleet: Fleet
  before(async () => {
    fleet = await startFleet(scope)
    browser = await openBrowser(scope)
  })
  const open = () => openPage(scope, browser)
  const signIn = (page: Page) => signInAt(page, fleet.gateways[0].url)

  test('login, dashboard, the row of a first use and its refusal, with no complaint of the browser', async () => {
    const token = newToken()
    const models = `${fleet.gateways[0].url}/v1/models`
    assert.equal((await call(models, { headers: from('203.0.113.7', token) })).status, 200)
    assert.equal((await call(models, { headers: from('203.0.113.8', token) })).status, 403)

    const { page, complaints } = await open()
    await signIn(page)
    await page.getByText('203.0.113.8').first().waitFor()
    await openFromMenu(page, 'bindings')
    await page.getByText('203.0.113.7').first().waitFor()
    await openFromMenu(page, 'logs')
    await page.getByText('203.0.113.8').first().waitFor()
    for (const name of ['settings', 'audit']) await openFromMenu(page, name)
    const text = await page.content()
    assert.ok(!text.includes(token.slice(3)) && !text.includes(testSecrets.ADMIN_PASSWORD))
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a client is made, called with, equipped and deleted; each secret shows once and works until then', async () => {
    const gateway = fleet.gateways[0]
    const { page, complaints } = await open()
    await signIn(page)

    await openFromMenu(page, 'clients')
    await press(page, 'Create a client')
    await dialog(page).getByLabel('Name').fill('Acme Corporation')
    await dialog(page).getByLabel('Email').fill('security@acme.example.com')
    await submit(page, 'Create a client')
    const apiKey = await takeSecret(page, 'API key')
    const callWithKey = () => call(`${gateway.url}/api/health`, { headers: { 'x-api-key': apiKey } })
    assert.equal((await callWithKey()).status, 200)
    await page.getByRole('heading', { level: 1, name: 'Acme Corporation' }).waitFor()

    const providerKey = 'sk-own-key-of-the-client-7Qx2'
    await page.getByRole('group', { name: 'openai' }).getByRole('button', { name: 'Set key' }).click()
    await dialog(page).getByLabel('Key').fill(providerKey)
    await submit(page, 'Save')
    await page.getByText('****7Qx2').waitFor()

    await page.getByRole('link', { name: 'Devices of this client' }).click()
    await press(page, 'Register a device')
    await dialog(page).getByLabel('Device id').fill('pi_acme_001')
    await submit(page, 'Register a device')
    const deviceSecret = await takeSecret(page, 'Device secret')
    const signInDevice = () =>
      call(
        `${gateway.url}/device/auth`,
        jsonCall('POST', { device_id: 'pi_acme_001', device_secret: deviceSecret }),
      )
    assert.equal((await signInDevice()).status, 200)

    await page.getByRole('link', { name: 'acme-corporation' }).click()
    await press(page, 'Delete')
    await dialog(page).getByLabel('Type acme-corporation to confirm').fill('acme')
    await submit(page, 'Delete')
    await dialog(page).getByText('This is not acme-corporation.').waitFor()
    await dialog(page).getByLabel('Type acme-corporation to confirm').fill('acme-corporation')
    await submit(page, 'Delete')
    await page.getByText('No clients yet').waitFor()
    assert.deepEqual([(await callWithKey()).status, (await signInDevice()).status], [401, 401])

    await openFromMenu(page, 'audit')
    await page.getByText('Client deleted').first().waitFor()
    await openFromMenu(page, 'providers')
    const text = await page.content()
    for (const secret of [apiKey, providerKey, deviceSecret]) assert.ok(!text.includes(secret))
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a filter that is cleared leaves the address, and everything is listed again', async () => {
    const { page, complaints } = await open()
    await signIn(page)
    await page.goto(`${fleet.gateways[0].url}/admin/ui/bindings?status=banned`)
    await page.getByText('No binding matches').waitFor()
    const filter = page.locator('.el-select', { hasText: 'banned' })
    await filter.hover()
    await filter.locator('.el-select__clear').click()
    await page.waitForURL('**/admin/ui/bindings')
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a list that is still being counted says so, and a page beyond its end leads to the last one', async () => {
    const gateway = fleet.gateways[0]
    await call(`${gateway.url}/v1/models`, { headers: from('203.0.113.9', newToken()) })
    const { page, complaints } = await open()
    await signIn(page)
    await page.route('**/admin/api/bindings?*', async (route) => {
      const response = await route.fetch()
      const json = { ...(await response.json()), total: 1_234_567, total_is_estimate: true }
      await route.fulfill({ response, json })
    })
    await openFromMenu(page, 'bindings')
    await page.getByText('about 1,200,000 entries').waitFor()
    await page.getByText('61729', { exact: true }).waitFor()
    await page.unroute('**/admin/api/bindings?*')
    await page.getByText('61729', { exact: true }).click()
    await page.waitForURL('**/admin/ui/bindings')
    await page.getByText('203.0.113.9').first().waitFor()
    await page.getByText(/^\d+ entr(y|ies)$/).waitFor()
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a wrong password is told and opens nothing; signing out ends the session', async () => {
    const { page } = await open()
    await page.goto(`${fleet.gateways[0].url}/admin/ui/bindings`)
    await passwordField(page).fill('not the password')
    await page.keyboard.press('Enter')
    await page.getByText(/password is wrong|wrong password/i).waitFor()
    await signIn(page)
    const cookies = await page.context().cookies()
    const session = cookies.find(({ name }) => name === 'sallyport_session')
    assert.deepEqual([session?.httpOnly, session?.sameSite], [true, 'Strict'])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await passwordField(page).waitFor()
    const answer = await page.request.get(`${fleet.gateways[0].url}/admin/api/dashboard`)
    assert.equal(answer.status(), 401)
  })
})
