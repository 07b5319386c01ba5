import { applyBrand, Button, Notice } from '@polar-sh/ui'
import { createRootRoute, createRoute, createRouter, Link, Outlet, useLocation } from '@tanstack/react-router'
import { type ComponentType, useEffect } from 'react'
import { safeUrl } from '../checkout/leave'
import { isOffered, RightsLinks } from '../shared/rights-links'
import { SellerLinks } from '../shared/seller-links'
import { SellerMark } from '../shared/seller-mark'
import { BenefitsScreen } from './benefits'
import { CardsScreen } from './cards'
import { usePortalWords, useSession } from './context'
import { OrderScreen, OrdersScreen } from './orders'
import { Overview } from './overview'
import { Loaded, NotAllowed, useOnline } from './parts'
import { useCustomer, useIntrospection, useManages, useSeller, useUser } from './queries'
import { basePath, remember } from './session'
import { SettingsScreen } from './settings'
import { SubscriptionScreen } from './subscription'
import { TeamScreen } from './team'

const root = createRootRoute({ component: Frame, notFoundComponent: Overview })
const overview = createRoute({ getParentRoute: () => root, path: '/', component: Overview })
const orders = createRoute({ getParentRoute: () => root, path: '/orders', component: managed(OrdersScreen) })
const order = createRoute({
  getParentRoute: () => root,
  path: '/orders/$id',
  component: managed(function One() {
    return <OrderScreen id={order.useParams().id} />
  }),
})
const subscription = createRoute({
  getParentRoute: () => root,
  path: '/subscriptions/$id',
  component: managed(function One() {
    return <SubscriptionScreen id={subscription.useParams().id} />
  }),
})
const benefits = createRoute({ getParentRoute: () => root, path: '/benefits', component: BenefitsScreen })
const cards = createRoute({
  getParentRoute: () => root,
  path: '/payment-methods',
  component: managed(CardsScreen),
})
const team = createRoute({ getParentRoute: () => root, path: '/team', component: managed(TeamScreen) })
const settings = createRoute({ getParentRoute: () => root, path: '/settings', component: SettingsScreen })

/** The screens of the portal, below the address that it was opened with. */
export const makeRouter = () =>
  createRouter({
    routeTree: root.addChildren([overview, orders, order, subscription, benefits, cards, team, settings]),
    basepath: basePath(),
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}

const PLACES = [
  ['/', 'nav.overview', 'everybody'],
  ['/orders', 'nav.orders', 'managers'],
  ['/benefits', 'nav.benefits', 'everybody'],
  ['/payment-methods', 'nav.cards', 'managers'],
  ['/team', 'nav.team', 'team'],
  ['/settings', 'nav.settings', 'everybody'],
] as const

/** A screen that a plain member of a team may not open. */
function managed(Inner: ComponentType) {
  return function Managed() {
    return useManages() ? <Inner /> : <NotAllowed />
  }
}

/** The part of an address that names the screen; `/` is the overview. */
const screenOf = (path: string): string => path.replace(/^\/(?:[a-z0-9-]+\/)?portal(?=\/|$)/, '') || '/'

function Frame() {
  const { p, wish } = usePortalWords()
  const { signOut } = useSession()
  const isOnline = useOnline()
  const place = screenOf(useLocation().pathname)
  const isAt = (to: string) =>
    // A subscription is opened from the overview.
    to === '/' ? place === '/' || place.startsWith('/subscriptions') : place.startsWith(to)
  const seller = useSeller().data?.seller
  const customer = useCustomer().data
  const user = useUser()
  const manages = useManages()
  const shown = {
    everybody: true,
    managers: manages,
    team: manages && customer?.type === 'team',
  }
  const shop = safeUrl(useIntrospection().data?.return_url)?.href
  useEffect(() => applyBrand(seller?.branding?.brand_color), [seller])
  useEffect(() => remember(seller?.id, user.data?.email), [seller, user.data])
  useEffect(() => wish(customer?.locale), [customer, wish])
  return (
    <div className="mx-auto flex min-h-dvh max-w-3xl flex-col gap-6 px-5 py-6">
      <header className="flex flex-col gap-3">
        <div className="flex items-center justify-between gap-4">
          <span className="flex min-h-8 min-w-0 items-center gap-3">
            {seller && <SellerMark seller={seller} />}
          </span>
          <Button kind="quiet" className="shrink-0 text-sm" onClick={signOut}>
            {p('signOut')}
          </Button>
        </div>
        <nav aria-label={p('nav')} className="-mx-1 flex flex-wrap gap-1 border-b border-line pb-3">
          {PLACES.filter(([, , who]) => shown[who]).map(([to, key]) => (
            <Link
              key={to}
              to={to}
              activeOptions={{ exact: to === '/', includeSearch: false }}
              aria-current={isAt(to) ? 'page' : undefined}
              className={`flex min-h-9 items-center rounded-full px-3 text-sm ${isAt(to) ? 'bg-ink font-medium text-surface' : 'text-muted hover:bg-canvas hover:text-ink'}`}
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
        <Loaded query={user}>{() => <Outlet />}</Loaded>
      </main>
      <footer className="mt-auto flex flex-wrap items-center justify-between gap-x-6 gap-y-3 text-sm text-muted">
        <SellerLinks branding={seller?.branding} />
        {seller && (
          <RightsLinks
            slug={seller.slug}
            withdrawal={isOffered(seller.consumer_rights?.withdrawal)}
            cancellation={isOffered(seller.consumer_rights?.cancellation)}
          />
        )}
        {shop && (
          <a href={shop} className="min-h-6 underline underline-offset-2">
            {p('backToShop')}
          </a>
        )}
      </footer>
    </div>
  )
}
