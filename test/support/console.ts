// The console as a person meets it: a real browser that keeps what it complains about, signing in, the menu, forms and dialogs.
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { eventually } from './eventually.ts'
import { chromiumPath } from './needs.ts'
import type { Scope } from './scope.ts'
import { testSecrets } from './storage.ts'

/** Waiting for a page never takes longer than this. */
const pageTimeoutMs = 30_000

export type BrowserPage = { page: Page; complaints: string[] }

/** A browser that ends with the scope. */
export async function openBrowser(scope: Scope): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-software-rasterizer',
    ],
  })
  scope.defer(() => browser.close())
  return browser
}

/** A page of its own that keeps everything the browser complains about. */
export async function openPage(scope: Scope, browser: Browser, wishes: object = {}): Promise<BrowserPage> {
  const context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce', ...wishes })
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

export async function signIn(page: Page, gatewayUrl: string): Promise<void> {
  await page.goto(`${gatewayUrl}/admin/ui/`)
  await passwordField(page).fill(testSecrets.ADMIN_PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
}

/** Asking who is signed in, before anybody is, is answered with 401; the browser logs that by itself. */
export function unexpected(complaints: readonly string[]): string[] {
  return complaints.filter((text) => !/status of 401/.test(text))
}

/** Waits until `place` shows each of `parts`: names and numbers of one row come with answers of their own. */
export async function untilShows(place: Locator, ...parts: readonly (string | RegExp)[]): Promise<void> {
  await eventually(`a place that shows ${parts.join(', ')}`, async () => {
    const text = await place.innerText()
    const isShown = (part: string | RegExp) =>
      typeof part === 'string' ? text.includes(part) : part.test(text)
    const missing = parts.filter((part) => !isShown(part))
    if (missing.length > 0) throw new Error(`no ${missing.join(', ')} in: ${text}`)
    return true
  })
}

/** By address: the words of the menu are the console's own affair. */
export async function openFromMenu(page: Page, name: string): Promise<void> {
  await page.locator(`nav a[href$="/${name}"]`).click()
  await page.waitForURL(`**/admin/ui/${name}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
}

export function passwordField(page: Page) {
  return page.locator('input[name="password"]')
}

/** The dialog that is open; one that is closing may still be there. */
export function dialog(page: Page) {
  return page.getByRole('dialog').filter({ visible: true }).last()
}

export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('main').getByRole('button', { name, exact: true }).click()
}

export async function submit(page: Page, name: string): Promise<void> {
  await dialog(page).getByRole('button', { name, exact: true }).click()
}

/** Reads a new secret, which also stands in the text to hand over, and puts it away. */
export async function takeSecret(page: Page, label: string): Promise<string> {
  const fields = dialog(page)
  const secret = await fields.getByRole('group', { name: label, exact: true }).locator('pre').innerText()
  await untilShows(fields.getByRole('group', { name: 'To hand over' }), secret)
  await fields.getByRole('button', { name: 'I have kept it' }).click()
  await page.getByText(secret).first().waitFor({ state: 'detached' })
  return secret
}
