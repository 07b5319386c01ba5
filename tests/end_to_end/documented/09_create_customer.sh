# Create Customer, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 201 {"id":0,"email":0,"name":0,"external_id":0,"organization_id":0,"metadata":{"company":0,"employee_count":0},"created_at":0}
curl -X POST "https://api.polar.sh/v1/customers/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "email": "newcustomer@example.com",
    "name": "Jane Smith",
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "external_id": "user_67890",
    "metadata": {
      "company": "Acme Corp",
      "employee_count": "50-100"
    },
    "billing_address": {
      "line1": "456 Oak Ave",
      "city": "New York",
      "state": "NY",
      "postal_code": "10001",
      "country": "US"
    }
  }'
