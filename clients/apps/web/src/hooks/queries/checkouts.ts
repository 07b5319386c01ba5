export * from '@polar-sh/hooks/checkouts'
