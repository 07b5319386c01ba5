# Export Customers to CSV, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 csv ID,External ID,Created At,Email,Name,Tax ID,Billing Address Line 1,Billing Address Line 2,Billing Address City,Billing Address State,Billing Address Zip,Billing Address Country,Metadata
curl -X GET "https://api.polar.sh/v1/customers/export?organization_id=550e8400-e29b-41d4-a716-446655440000" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  --output customers.csv
