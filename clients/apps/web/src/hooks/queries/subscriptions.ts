export * from '@polar-sh/hooks/subscriptions'
