# Replay Webhook Event, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 202 {}
curl -X POST "https://api.polar.sh/v1/webhooks/events/g50e8400-e29b-41d4-a716-446655440012/replay" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"
