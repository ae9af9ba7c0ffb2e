// Runs the program as an activity of Restate, a durable engine that retries.
//
//     node restate.mjs SERVER PROGRAM SIMULATOR RUNS
//
// Each run has a simulated Sevalla of its own, behind a proxy that loses requests
// and responses. The program is killed at moments that nobody chose, and the
// engine starts it again with the same state-file. In the end each workflow must
// have ended, with one deployment at most, and with the truth as its result.
// Needs @restatedev/restate-sdk beside it. All of it is on loopback.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as restate from "@restatedev/restate-sdk";

const [server, program, simulator, runs] = process.argv.slice(2);
const AT_ONCE = 24;
// What docs/engines.md says of the exit codes.
const AGAIN = [4, 6, 129, 130, 137, 143];

const folder = mkdtempSync(join(tmpdir(), "restate-"));
const started = new Set();
const worlds = new Map();
const counts = { ended: 0, kills: 0, starts: 0, faults: 0, ambiguous: 0 };

function start(command, args, options) {
  const child = spawn(command, args, options);
  started.add(child);
  child.once("exit", () => started.delete(child));
  return child;
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
process.once("exit", () => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function freePort() {
  const listener = net.createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  return port;
}

async function textOf(stream) {
  let text = "";
  for await (const part of stream) text += part;
  return text;
}

async function request(url, options = {}, body = undefined) {
  const call = http.request(url, { agent: false, ...options });
  call.end(body);
  const [response] = await once(call, "response");
  return { status: response.statusCode, headers: response.headers, body: await textOf(response) };
}

// A simulated Sevalla, and a proxy before it. Of ten requests it loses one, or
// one response, or answers 502.
async function makeWorld(number) {
  const child = start(simulator, [], { stdio: ["ignore", "pipe", "ignore"] });
  const names = {};
  let rest = "";
  for await (const part of child.stdout) {
    rest += part;
    for (const [, name, value] of rest.matchAll(/^export (\w+)='(.*)'$/gm)) names[name] = value;
    if (names.HOOK_URL) break;
  }
  const upstream = new URL(names.SEVALLA_API_URL);
  const proxy = http.createServer(async (asked, response) => {
    try {
      const luck = Math.random();
      if (luck < 0.1) counts.faults += 1;
      if (luck < 0.03) return asked.socket.resetAndDestroy();
      if (luck < 0.06) return response.writeHead(502).end();
      const body = await textOf(asked);
      const { method, headers, url } = asked;
      const answer = await request(new URL(url, upstream), { method, headers }, body);
      if (luck < 0.1) return asked.socket.resetAndDestroy();
      delete answer.headers["transfer-encoding"];
      return response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      return asked.socket.destroy();
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const fails = number % 4 === 0;
  const world = { child, proxy, names, fails, app: fails ? names.FAILING_APP_ID : names.APP_ID, said: "" };
  world.before = await deployments(world);
  return world;
}

async function deployments({ names, app }) {
  const headers = { authorization: `Bearer ${names.SEVALLA_TOKEN}` };
  const url = `${names.SEVALLA_API_URL}/applications/${app}/deployments?limit=100`;
  return JSON.parse((await request(url, { headers })).body).data.length;
}

// Starts the program once, and gives its exit code. Often it is killed before.
async function activity(number) {
  const world = worlds.get(number);
  counts.starts += 1;
  const child = start(program, ["deploy-app"], {
    env: {
      SEVALLA_API_URL: `http://127.0.0.1:${world.proxy.address().port}/v3`,
      SEVALLA_TOKEN: world.names.SEVALLA_TOKEN,
      SEVALLA_APP_ID: world.app,
      SEVALLA_STATE_FILE: join(folder, `state-${number}`),
      SEVALLA_RUN_KEY: `run ${number}`,
      SEVALLA_TIMEOUT: "4m",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  world.kills = (world.kills ?? 0) + 1;
  const isKilled = world.kills <= 3 && Math.random() < 0.7;
  const timer = isKilled && setTimeout(() => child.kill("SIGKILL"), Math.random() ** 2 * 4000);
  const [said, [code, signal]] = await Promise.all([textOf(child.stderr), once(child, "exit")]);
  clearTimeout(timer);
  world.said += said;
  if (signal) counts.kills += 1;
  return signal ? 137 : code;
}

const deployer = restate.service({
  name: "deployer",
  handlers: {
    deploy: (context, number) =>
      context.run(
        "sevalla-deploy",
        async () => {
          const code = await activity(number);
          if (AGAIN.includes(code)) throw new Error(`code ${code}`);
          return code;
        },
        { initialRetryInterval: 50, maxRetryInterval: 1000, retryIntervalFactor: 2 },
      ),
  },
});

async function startEngine() {
  const [service, admin, ingress, node] = await Promise.all([0, 0, 0, 0].map(freePort));
  await restate.serve({ services: [deployer], port: service, logger: () => {} });
  const address = (port) => `127.0.0.1:${port}`;
  const engine = start(server, ["--base-dir", join(folder, "engine")], {
    env: {
      ...process.env,
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_BIND_ADDRESS: address(node),
      RESTATE_ADVERTISED_ADDRESS: `http://${address(node)}/`,
      RESTATE_ADMIN__BIND_ADDRESS: address(admin),
      RESTATE_INGRESS__BIND_ADDRESS: address(ingress),
      // An activity may take long without a word to the engine.
      RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT: "1h",
      RESTATE_WORKER__INVOKER__ABORT_TIMEOUT: "1h",
      RESTATE_LOG_FILTER: "error,octocrab=off",
      DO_NOT_TRACK: "1",
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const headers = { "content-type": "application/json" };
  const registered = async () => {
    const uri = JSON.stringify({ uri: `http://${address(service)}` });
    const answer = await request(`http://${address(admin)}/deployments`, { method: "POST", headers }, uri);
    return answer.status === 201;
  };
  for (let tries = 0; !(await registered().catch(() => false)); tries += 1) {
    if (tries > 300 || engine.exitCode !== null) throw new Error("the engine does not start");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return async (number) => {
    const url = `http://${address(ingress)}/deployer/deploy`;
    const answer = await request(url, { method: "POST", headers }, String(number));
    if (answer.status !== 200) throw new Error(`workflow ${number}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  };
}

// What is wrong with how a workflow ended.
async function judged(number, workflow) {
  const world = await makeWorld(number);
  worlds.set(number, world);
  const code = await workflow(number);
  const made = (await deployments(world)) - world.before;
  world.child.kill("SIGKILL");
  world.proxy.closeAllConnections();
  world.proxy.close();
  worlds.delete(number);
  const right = world.fails ? 1 : 0;
  counts.ended += 1;
  if (counts.ended % 20 === 0) console.log(`${counts.ended} workflows have ended, ${counts.kills} kills`);
  const isTrue = code === 7 ? made <= 1 : code === right && made === 1;
  if (code === 7) counts.ambiguous += 1;
  return isTrue ? [] : [`workflow ${number}: code ${code} with ${made} deployments\n${world.said}`];
}

const workflow = await startEngine();
const numbers = Array.from({ length: Number(runs) }, (_, index) => index + 1);
const wrong = [];
const work = async () => {
  for (let number = numbers.shift(); number; number = numbers.shift()) {
    wrong.push(...(await judged(number, workflow)));
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(
  `${runs} workflows ended, ${wrong.length} of them wrong: ${counts.starts} starts, ${counts.kills} kills, ` +
    `${counts.faults} faults, ${counts.ambiguous} ambiguous`,
);
for (const problem of wrong) console.error(problem);
process.exit(wrong.length ? 1 : 0);
