// The engine's API.

const as_json = { "content-type": "application/json" };
const failure = (text, status) => Object.assign(new Error(text), { status });

async function api(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(15000), ...options });
  } catch {
    throw new Error("The engine does not answer.");
  }
  const text = await response.text();
  let body = null;
  try {
    body = text ? JSON.parse(text, exact) : null;
  } catch {
    if (response.ok) throw new Error(`${path}: the answer is no JSON.`);
  }
  if (!response.ok) throw failure(body?.error ?? `${path}: status ${response.status}`, response.status);
  return body;
}

// The body is a value, or JSON text that goes as it is, so that no number loses a digit.
const post = (path, body = {}) => api(path, { method: "POST", headers: as_json, body: typeof body === "string" ? body : JSON.stringify(body) });

// Parameters without a value are left out; those with several are repeated.
function query(path, params) {
  const given = Object.entries(params).flatMap(([name, value]) => [value].flat().filter(Boolean).map(each => [name, each]));
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

// What the engine has. Servers without a route answer with 404: what needs it is not shown.
const features = {};
const routes_of_features = { find: "/api/runs/count", histogram: "/api/runs/histogram?buckets=1", bulk: "/api/bulk" };
async function find_features() {
  await Promise.all(Object.entries(routes_of_features).map(async ([name, path]) => {
    try {
      await api(path);
      features[name] = true;
    } catch (error) {
      if (error.status) features[name] = error.status !== 404;
    }
  }));
}
