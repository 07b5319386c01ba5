# Cancel Subscription, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {"id":0,"status":0,"cancel_at_period_end":0,"canceled_at":0,"current_period_end":0}
curl -X POST "https://api.polar.sh/v1/subscriptions/b50e8400-e29b-41d4-a716-446655440007/cancel" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "cancel_at_period_end": true,
    "reason": "customer_request"
  }'
