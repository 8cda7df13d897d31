// End users, cameras and alerts in the console, in a real browser against the real gateway.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { makeJpeg } from '../server/video/test-support.ts'
import { call } from './support/call.ts'
import {
  dialog,
  openBrowser,
  openFromMenu,
  openPage,
  press,
  signIn,
  submit,
  unexpected,
  untilShows,
} from './support/console.ts'
import { eventually } from './support/eventually.ts'
import { type Gateway, jsonCall, startGateway } from './support/gateway.ts'
import { type Issuer, startIssuer } from './support/issuer.ts'
import { startMailServer } from './support/mail-server.ts'
import { needs } from './support/needs.ts'
import { openScope } from './support/scope.ts'
import { anyStorage } from './support/storage.ts'

const ownKey = 'AIza-own-key-of-ada-0123456789'

describe('the console', await needs('chromium'), () => {
  const scope = openScope({ after })
  let browser: Browser
  let gateway: Gateway
  let issuer: Issuer
  before(async () => {
    issuer = await startIssuer(scope)
    // Whoever is written to first does not exist.
    const mail = await startMailServer({ refusals: [{ at: 'rcpt', code: 550 }] })
    scope.defer(mail.close)
    gateway = await startGateway(scope, {
      env: {
        ...{ ...(await anyStorage.open(scope)), OIDC_ISSUER: issuer.url, DEPLOY_ENV: 'production' },
        ...{ SMTP_URL: mail.url, MAIL_FROM: 'gateway@example.com' },
      },
    })
    browser = await openBrowser(scope)
  })

  async function open(wishes: object = {}) {
    const opened = await openPage(scope, browser, wishes)
    await signIn(opened.page, gateway.url)
    return opened
  }

  const callAs = (token: string, method: string, path: string, body?: object) =>
    call(`${gateway.url}${path}`, jsonCall(method, body, { authorization: `Bearer ${token}` }))

  async function makeClient(name: string) {
    const email = `${name.toLowerCase().replace(' ', '.')}@example.com`
    const { client, api_key } = (await gateway.admin('POST', '/clients', { name, email })).json() as {
      client: { id: number }
      api_key: string
    }
    return { id: client.id, apiKey: api_key }
  }

  /** Frames of a twenty-fifth of a second each, the last one of now. */
  async function send({ apiKey }: { apiKey: string }, camera_id: string, pictures: readonly Buffer[]) {
    const now = Date.now()
    const frames = pictures.map((picture, index) => ({
      frame_data: picture.toString('base64'),
      timestamp: now - 40 * (pictures.length - 1 - index),
    }))
    const order = jsonCall('POST', { camera_id, frames }, { 'x-api-key': apiKey })
    const answer = await call(`${gateway.url}/api/video/buffer/batch`, order)
    assert.equal(answer.status, 200, answer.text)
  }

  async function raise({ apiKey }: { apiKey: string }, alert: object) {
    const answer = await call(`${gateway.url}/api/alert`, jsonCall('POST', alert, { 'x-api-key': apiKey }))
    assert.equal(answer.status, 202, answer.text)
  }

  test('a user shows with onboarding and providers but never a key, is suspended and let in again', async () => {
    const { page, complaints } = await open()
    await openFromMenu(page, 'users')
    await page.getByText('No users yet').waitFor()

    const ada = await issuer.sign('user_ada', { claims: { name: 'Ada Lovelace', email: 'ada@example.com' } })
    await callAs(ada, 'PUT', '/api/provider-keys/gemini', { api_key: ownKey })
    for (const step of [1, 2]) await callAs(ada, 'POST', `/api/onboarding/step/${step}/complete`)
    await callAs(await issuer.sign('user_bob', { claims: { name: 'Bob' } }), 'GET', '/api/provider-keys')
    await page.reload()
    const row = (name: string) => page.getByRole('row').filter({ hasText: name })
    await untilShows(row('Ada Lovelace'), 'ada@example.com', 'user_ada', issuer.url)
    await untilShows(row('Ada Lovelace'), 'active', 'gemini', 'Step 3 of 6')
    await untilShows(row('Bob'), /none[\s\S]*not begun/)
    assert.ok(!(await page.content()).includes(ownKey.slice(-4)))

    await row('Ada Lovelace').getByRole('button', { name: 'Allow shared keys' }).click()
    await submit(page, 'Allow shared keys')
    await row('Ada Lovelace').getByText('+ shared keys').waitFor()
    await row('Ada Lovelace').getByRole('button', { name: 'Suspend' }).click()
    await submit(page, 'Suspend')
    await row('Ada Lovelace').getByText('suspended').waitFor()
    assert.equal((await callAs(ada, 'GET', '/api/provider-keys')).status, 401)
    await row('Ada Lovelace').getByRole('button', { name: 'Reactivate' }).click()
    await submit(page, 'Reactivate')
    await row('Ada Lovelace').getByText('active', { exact: true }).waitFor()
    assert.equal((await callAs(ada, 'GET', '/api/provider-keys')).status, 200)

    await page.getByLabel('Name, email or user id').fill('user_b')
    await page.keyboard.press('Enter')
    await row('Ada Lovelace').waitFor({ state: 'detached' })
    await row('Bob').getByRole('link', { name: 'Bob' }).click()
    await page.getByRole('heading', { level: 1, name: 'Bob' }).waitFor()
    await page.getByRole('region', { name: 'End user' }).getByText('user_bob').waitFor()
    assert.deepEqual(unexpected(complaints), [])
  })

  test('cameras show what is kept of them while they send, of one client when asked', async () => {
    const picture = makeJpeg({ mark: 'front door' })
    const acme = await makeClient('Acme')
    const urban = await makeClient('Urban Jungle')
    await send(acme, 'front_door', [picture, picture, picture])
    await send(urban, 'terrace', [picture])
    const { page, complaints } = await open()
    await openFromMenu(page, 'cameras')
    const row = (name: string) => page.getByRole('row').filter({ hasText: name })
    await row('front_door').getByRole('link', { name: 'Acme' }).waitFor()
    await untilShows(row('front_door'), '3 frames', 'of 0.1 s', '25 a second')
    await untilShows(row('terrace'), /Urban Jungle[\s\S]*1 frame\b/)

    await send(acme, 'front_door', [picture, picture])
    await row('front_door').getByText('5 frames').waitFor()
    await untilShows(row('front_door'), /sending|silent for \d+ s/)

    await page.getByLabel('Client', { exact: true }).fill('Urb')
    await page.getByRole('option', { name: 'Urban Jungle' }).click()
    await row('front_door').waitFor({ state: 'detached' })
    await page.waitForURL((url) => url.searchParams.get('client_id') === String(urban.id))
    await row('terrace').getByRole('link', { name: 'Urban Jungle' }).click()
    await page.getByRole('heading', { level: 1, name: 'Urban Jungle' }).waitFor()
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a client’s settings of cameras and alerts are set, refused at their field, and given back to the configuration', async () => {
    const { id } = await makeClient('Night Shop')
    const settingsOf = async () =>
      ((await gateway.admin('GET', `/clients/${id}`)).json() as { settings: object }).settings
    const { page, complaints } = await open()
    await page.goto(`${gateway.url}/admin/ui/clients/${id}`)
    const facts = page.getByRole('region', { name: 'Cameras and alerts' })
    await facts.getByText('night.shop@example.com, the client').waitFor()

    await press(page, 'Edit settings')
    await dialog(page).getByLabel('Alert address').fill('guard@example.com')
    await dialog(page).getByLabel('Frames a second').fill('61')
    await submit(page, 'Save')
    await dialog(page).getByRole('alert').filter({ hasText: '60' }).waitFor()
    await dialog(page).getByLabel('Frames a second').fill('12')
    await dialog(page).getByLabel('A confirmed incident').press('ArrowDown')
    await page.getByRole('option', { name: 'raises an alert by itself' }).click()
    await submit(page, 'Save')
    await facts.getByText('guard@example.com').waitFor()
    await facts.getByText('raises an alert by itself').waitFor()
    assert.deepEqual(await settingsOf(), {
      alert_email: 'guard@example.com',
      video: { analysis_fps: 12, alert_on_incident: true },
    })

    await press(page, 'Edit settings')
    await dialog(page).getByLabel('Alert address').fill('')
    await dialog(page).getByLabel('Frames a second').fill('')
    await submit(page, 'Save')
    await facts.getByText('night.shop@example.com, the client').waitFor()
    assert.deepEqual(await settingsOf(), { video: { alert_on_incident: true } })
    assert.deepEqual(
      unexpected(complaints).filter((text) => !/status of 400/.test(text)),
      [],
    )
  })

  test('alerts show what was seen and what became of the mail, with the reason of a refusal', async () => {
    const gone = await makeClient('Gone Bakery')
    const flower = await makeClient('Flower Shop')
    const story = 'A man breaks the lock. '.repeat(20)
    await raise(gone, { camera_id: 'oven', risk_level: 'HIGH', analysis: story, incident_type: 'burglary' })
    const { page, complaints } = await open()
    await openFromMenu(page, 'alerts')
    const row = (name: string) => page.getByRole('row').filter({ hasText: name })
    await row('oven').getByText('failed').waitFor()
    await untilShows(row('oven'), /Gone Bakery[\s\S]*high[\s\S]*burglary[\s\S]*\b550\b/)
    const full = row('oven').getByText(story.trim())
    const heightOf = async () => (await full.boundingBox())?.height ?? 0
    const showAll = row('oven').getByRole('button', { name: 'Show all' })
    await showAll.waitFor()
    const short = await heightOf()
    await showAll.click()
    await eventually('the whole text', async () => (await heightOf()) > 2 * short)

    await raise(flower, { camera_id: 'till', risk_level: 'LOW', analysis: '<img src=x> A cat.' })
    await raise(flower, { camera_id: 'till', risk_level: 'LOW', analysis: 'The cat again.' })
    await row('A cat.').getByText('sent', { exact: true }).waitFor()
    await untilShows(row('A cat.'), /<img src=x>[\s\S]*to flower\.shop@example\.com[\s\S]*no picture/)
    await row('The cat again.').getByText('suppressed', { exact: true }).waitFor()

    await page.getByLabel('Mail', { exact: true }).press('ArrowDown')
    await page.getByRole('option', { name: 'failed' }).click()
    await row('till').first().waitFor({ state: 'detached' })
    await page.getByLabel('Camera', { exact: true }).fill('no such')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'letters' }).waitFor()
    assert.deepEqual(
      unexpected(complaints).filter((text) => !/status of 400/.test(text)),
      [],
    )
  })
})
