import { applyBrand, Button, Notice } from '@polar-sh/ui'
import { createRootRoute, createRoute, createRouter, Link, Outlet } from '@tanstack/react-router'
import { useEffect } from 'react'
import { safeUrl } from '../checkout/leave'
import { SellerLinks } from '../shared/seller-links'
import { BenefitsScreen } from './benefits'
import { CardsScreen } from './cards'
import { usePortalWords, useSession } from './context'
import { OrderScreen, OrdersScreen } from './orders'
import { Overview } from './overview'
import { useOnline } from './parts'
import { useCustomer, useIntrospection, useSeller } from './queries'
import { basePath, remember } from './session'
import { SettingsScreen } from './settings'
import { SubscriptionScreen } from './subscription'

const root = createRootRoute({ component: Frame, notFoundComponent: Overview })
const overview = createRoute({ getParentRoute: () => root, path: '/', component: Overview })
const orders = createRoute({ getParentRoute: () => root, path: '/orders', component: OrdersScreen })
const order = createRoute({
  getParentRoute: () => root,
  path: '/orders/$id',
  component: function One() {
    return <OrderScreen id={order.useParams().id} />
  },
})
const subscription = createRoute({
  getParentRoute: () => root,
  path: '/subscriptions/$id',
  component: function One() {
    return <SubscriptionScreen id={subscription.useParams().id} />
  },
})
const benefits = createRoute({ getParentRoute: () => root, path: '/benefits', component: BenefitsScreen })
const cards = createRoute({ getParentRoute: () => root, path: '/payment-methods', component: CardsScreen })
const settings = createRoute({ getParentRoute: () => root, path: '/settings', component: SettingsScreen })

/** The screens of the portal, below the address that it was opened with. */
export const makeRouter = () =>
  createRouter({
    routeTree: root.addChildren([overview, orders, order, subscription, benefits, cards, settings]),
    basepath: basePath(),
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}

const PLACES = [
  ['/', 'nav.overview'],
  ['/orders', 'nav.orders'],
  ['/benefits', 'nav.benefits'],
  ['/payment-methods', 'nav.cards'],
  ['/settings', 'nav.settings'],
] as const

function Frame() {
  const { p, wish } = usePortalWords()
  const { signOut } = useSession()
  const isOnline = useOnline()
  const seller = useSeller().data?.seller
  const customer = useCustomer().data
  const shop = safeUrl(useIntrospection().data?.return_url)?.href
  useEffect(() => applyBrand(seller?.branding?.brand_color), [seller])
  useEffect(() => remember(seller?.id, customer?.email), [seller, customer])
  useEffect(() => wish(customer?.locale), [customer, wish])
  return (
    <div className="mx-auto flex min-h-dvh max-w-3xl flex-col gap-6 px-5 py-6">
      <header className="flex flex-col gap-3">
        <div className="flex items-center justify-between gap-4">
          <span className="min-w-0 break-words font-semibold">{seller?.name ?? p('title')}</span>
          <Button kind="quiet" onClick={signOut}>
            {p('signOut')}
          </Button>
        </div>
        <nav aria-label={p('nav')} className="flex flex-wrap gap-x-4 gap-y-1 border-b border-line pb-2">
          {PLACES.map(([to, key]) => (
            <Link
              key={to}
              to={to}
              activeOptions={{ exact: to === '/', includeSearch: false }}
              className="flex min-h-8 items-center text-sm text-muted data-[status=active]:font-semibold data-[status=active]:text-ink data-[status=active]:underline"
            >
              {p(key)}
            </Link>
          ))}
        </nav>
      </header>
      {!isOnline && (
        <Notice kind="notice">
          <p>{p('offline')}</p>
        </Notice>
      )}
      <main className="min-w-0">
        <Outlet />
      </main>
      <footer className="mt-auto flex flex-wrap items-center justify-between gap-x-6 gap-y-3 text-sm text-muted">
        <SellerLinks branding={seller?.branding} />
        {shop && (
          <a href={shop} className="min-h-6 underline underline-offset-2">
            {p('backToShop')}
          </a>
        )}
      </footer>
    </div>
  )
}
