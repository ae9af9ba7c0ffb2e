// A stand-in for the official action's loop: start a deployment, then ask for
// its status every five seconds, up to a thousand times. Node's own fetch, no
// packages: the least that such an action can be.
//
//     node poll.mjs           with SEVALLA_API_URL, SEVALLA_TOKEN, SEVALLA_APP_ID
//     node poll.mjs nothing   only starts, for the price of that

if (process.argv[2] === 'nothing') process.exit(0)

const { SEVALLA_API_URL: base, SEVALLA_TOKEN: token, SEVALLA_APP_ID: app } = process.env

async function call(method, path, body) {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
  return response.json()
}

const { id } = await call('POST', `/applications/${app}/deployments`, { is_restart: false })
console.log(`Deployment ${id} started`)

for (let look = 0; look < 1000; look += 1) {
  await new Promise((resolve) => setTimeout(resolve, 5000))
  try {
    const { status } = await call('GET', `/applications/${app}/deployments/${id}`)
    console.log(status)
    if (status === 'success') process.exit(0)
    if (['failed', 'cancelled', 'skipped'].includes(status)) process.exit(1)
  } catch (error) {
    console.log(String(error))
  }
}
process.exit(1)
