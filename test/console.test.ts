// The console in a real browser against the real gateway: sign in, dashboard, the row of a first use, the refusal in the log.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { call } from './support/call.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { chromiumPath, needs } from './support/needs.ts'
import { openScope } from './support/scope.ts'
import { testSecrets } from './support/storage.ts'
import { from, newToken } from './support/tokens.ts'

/** Waiting for a page never takes longer than this. */
const pageTimeoutMs = 15_000

describe('the console', await needs('chromium'), () => {
  const scope = openScope({ after })
  let browser: Browser
  let fleet: Fleet
  before(async () => {
    fleet = await startFleet(scope)
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    })
    scope.defer(() => browser.close())
  })

  /** A page of its own that keeps everything the browser complains about. */
  async function openPage(): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ locale: 'en-US' })
    scope.defer(() => context.close())
    const page = await context.newPage()
    page.setDefaultTimeout(pageTimeoutMs)
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    return { page, complaints }
  }

  async function signIn(page: Page): Promise<void> {
    await page.goto(`${fleet.gateways[0].url}/admin/ui/`)
    await passwordField(page).fill(testSecrets.ADMIN_PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
  }

  test('login, dashboard, the row of a first use and its refusal, with no complaint of the browser', async () => {
    const token = newToken()
    const models = `${fleet.gateways[0].url}/v1/models`
    assert.equal((await call(models, { headers: from('203.0.113.7', token) })).status, 200)
    assert.equal((await call(models, { headers: from('203.0.113.8', token) })).status, 403)

    const { page, complaints } = await openPage()
    await signIn(page)
    // Asking who is signed in, before anybody is, is answered with 401; the browser logs that by itself.
    const unexpected = () => complaints.filter((text) => !/status of 401/.test(text))
    await page.getByText('203.0.113.8').first().waitFor()
    await openFromMenu(page, 'bindings')
    await page.getByText('203.0.113.7').first().waitFor()
    await openFromMenu(page, 'logs')
    await page.getByText('203.0.113.8').first().waitFor()
    for (const name of ['settings', 'audit']) await openFromMenu(page, name)
    const text = await page.content()
    assert.ok(!text.includes(token.slice(3)) && !text.includes(testSecrets.ADMIN_PASSWORD))
    assert.deepEqual(unexpected(), [])
  })

  test('a wrong password is told and opens nothing; signing out ends the session', async () => {
    const { page } = await openPage()
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

/** By address: the words of the menu are the console's own affair. */
async function openFromMenu(page: Page, name: string): Promise<void> {
  await page.locator(`nav a[href$="/${name}"]`).click()
  await page.waitForURL(`**/admin/ui/${name}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
}

function passwordField(page: Page) {
  return page.locator('input[name="password"]')
}
