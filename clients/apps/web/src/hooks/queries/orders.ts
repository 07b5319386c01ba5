export * from '@polar-sh/hooks/orders'
