// The pages of the console and who may see them.
import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import { useSession } from './stores/session.ts'

export const pageNames = [
  'dashboard',
  'clients',
  'users',
  'devices',
  'cameras',
  'alerts',
  'providers',
  'bindings',
  'logs',
  'usage',
  'invoices',
  'prices',
  'audit',
  'settings',
] as const
export type PageName = (typeof pageNames)[number]

declare module 'vue-router' {
  interface RouteMeta {
    /** Name of the page in the texts, for its title. */
    page?: PageName | 'client' | 'invoice' | 'login'
    /** The page of the menu that this one belongs to, when it isn't in the menu itself. */
    menuPage?: PageName
  }
}

const pages = {
  dashboard: () => import('./pages/dashboard/dashboard-page.vue'),
  clients: () => import('./pages/clients/clients-page.vue'),
  users: () => import('./pages/users/users-page.vue'),
  devices: () => import('./pages/devices/devices-page.vue'),
  cameras: () => import('./pages/cameras/cameras-page.vue'),
  alerts: () => import('./pages/alerts/alerts-page.vue'),
  providers: () => import('./pages/providers/providers-page.vue'),
  bindings: () => import('./pages/bindings/bindings-page.vue'),
  logs: () => import('./pages/logs/logs-page.vue'),
  usage: () => import('./pages/usage/usage-page.vue'),
  invoices: () => import('./pages/invoices/invoices-page.vue'),
  prices: () => import('./pages/prices/prices-page.vue'),
  audit: () => import('./pages/audit/audit-page.vue'),
  settings: () => import('./pages/settings/settings-page.vue'),
} satisfies Record<PageName, unknown>

export const router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  routes: [
    {
      path: '/login',
      name: 'login',
      component: () => import('./pages/login/login-page.vue'),
      meta: { page: 'login' },
    },
    {
      path: '/',
      component: () => import('./layout/app-shell.vue'),
      children: [
        ...pageNames.map((page) => ({
          path: page === 'dashboard' ? '' : page,
          name: page,
          component: pages[page],
          meta: { page },
        })),
        {
          path: 'clients/:id(\\d+)',
          name: 'client',
          component: () => import('./pages/clients/client-page.vue'),
          meta: { page: 'client', menuPage: 'clients' },
        },
        {
          path: 'invoices/:number',
          name: 'invoice',
          component: () => import('./pages/invoices/invoice-page.vue'),
          meta: { page: 'invoice', menuPage: 'invoices' },
        },
      ],
    },
    { path: '/:unknown(.*)', redirect: { name: 'dashboard' } },
  ],
})

/** The way to the login page and, afterwards, back to where one was. */
export function loginRoute(from: RouteLocationNormalized) {
  const isPlain = from.name === 'login' || from.fullPath === '/'
  return { name: 'login', query: isPlain ? {} : { back: from.fullPath } }
}

router.beforeEach(async (to) => {
  if (to.name === 'login') return true
  return (await useSession().isSignedIn()) || loginRoute(to)
})
