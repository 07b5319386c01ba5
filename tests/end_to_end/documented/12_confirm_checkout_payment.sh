# Confirm Checkout Payment, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {"id":0,"status":0,"customer_id":0,"order_id":0,"subscription_id":0}
curl -X POST "https://api.polar.sh/v1/checkouts/d50e8400-e29b-41d4-a716-446655440009/confirm" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "client_secret": "checkout_secret_xxxxxxxxxxxxx",
    "confirmation_token_id": "stripe_confirmation_token_xxxxx"
  }'
