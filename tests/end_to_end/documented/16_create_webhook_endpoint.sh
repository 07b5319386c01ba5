# Create Webhook Endpoint, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 201 {"id":0,"url":0,"secret":0,"events":[],"created_at":0}
curl -X POST "https://api.polar.sh/v1/webhooks/endpoints" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "url": "https://api.example.com/webhooks/polar",
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "events": [
      "order.created",
      "subscription.created",
      "subscription.updated",
      "subscription.canceled",
      "benefit.granted",
      "benefit.revoked"
    ]
  }'
