"use strict";

import { Follower, Native } from "./stream.js";
import { Log, size } from "./log.js";
import { Topics, asText, namesIn, urlOf } from "./topics.js";

const at = (id) => document.getElementById(id);
const view = new URLSearchParams(location.search);
const SECONDS = 120; // of the line of the rate

let token = "";
let topics = new Topics([]);
let follower = null;
let figures = { events: 0, bytes: 0, reconnections: 0, last: "" };
let rates = new Array(SECONDS).fill(0);
const seenTypes = new Set();

const log = new Log(at("log"), at("shown"), {
  resumeFrom: (row) => connect({ places: new Map([...topics.places, ...row.place]) }),
});

/** Follows the topics of the field over one connection: after their `places`, and from now on where none is known. */
function connect({ places = topics.places, earliest = false } = {}) {
  disconnect();
  topics = new Topics(namesIn(at("topics").value), earliest ? new Map() : places);
  const [first = "demo"] = topics.names;
  at("publish-topic").value ||= first;
  at("curl").textContent = `curl -H 'Content-Type: text/plain' -d 'hello' ${urlOf(first)}`;
  history.replaceState(null, "", `?${viewParameters()}`);
  const { url } = topics;
  const native = at("native").checked;
  if (earliest) url.searchParams.set("lastEventId", "earliest");
  else if (native && topics.lastEventId) url.searchParams.set("lastEventId", topics.lastEventId);
  const types = topics.labelled([...new Set(["message", "gap", ...seenTypes, ...view.getAll("type")])]);
  const options = { token, types, lastEventId: topics.lastEventId, on: handlers(topics) };
  follower = native ? new Native(url, options) : new Follower(url, options);
}

function disconnect() {
  follower?.close();
  follower = null;
  describe("none", "");
}

function handlers(followed) {
  let lost = "";
  return {
    state(name, detail, cause) {
      if (name === "open") lost = "";
      if ((name === "waiting" && cause !== lost) || name === "closed") {
        lost = cause ?? detail;
        if (name === "waiting") figures.reconnections += 1;
        log.add({ kind: "note", type: "", id: "", topic: "", data: lost });
      }
      describe(name, detail);
    },
    event(event) {
      const row = followed.read(event);
      figures.events += 1;
      figures.last = event.id;
      rates[rates.length - 1] += 1;
      // Bounded: a stream may make up types without end.
      if (!seenTypes.has(row.type) && seenTypes.size < 200) {
        seenTypes.add(row.type);
        offerTypes();
      }
      log.add({ kind: "event", ...row });
    },
    place(id) {
      followed.moveTo(id);
    },
    comment(text) {
      if (at("comments").checked) log.add({ kind: "comment", type: "", id: "", topic: "", data: text });
    },
    bytes(count) {
      figures.bytes += count;
    },
    unauthorized(reason) {
      askForToken(reason);
    },
  };
}

const isFollowing = () => !["none", "closed"].includes(document.body.dataset.state);

function describe(state, detail) {
  document.body.dataset.state = state;
  at("state").textContent = state === "none" ? "not connected" : `${state}${detail ? ` – ${detail}` : ""}`;
  at("connect").textContent = isFollowing() ? "Disconnect" : "Connect";
}

function askForToken(reason) {
  at("token-form").hidden = false;
  at("token-reason").textContent = reason;
  at("token").focus();
}

function offerTypes() {
  const select = at("type");
  const chosen = select.value || (view.get("type") ?? "");
  select.replaceChildren(...["", ...[...seenTypes].sort()].map((type) => new Option(type || "all", type)));
  select.value = seenTypes.has(chosen) ? chosen : "";
  filter();
}

function filter() {
  log.filter(at("text").value, at("type").value);
}

function viewParameters() {
  const parameters = new URLSearchParams();
  namesIn(at("topics").value).forEach((topic) => parameters.append("topic", topic));
  if (at("type").value) parameters.set("type", at("type").value);
  if (at("text").value) parameters.set("text", at("text").value);
  return parameters;
}

/** The topics that the server lists, as suggestions; a server that does not list them is fine. */
async function suggest() {
  try {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const response = await fetch("topics", { headers });
    if (!response.ok) return;
    const { topics: list = [] } = await response.json();
    at("known").replaceChildren(...list.slice(0, 100).map(({ name }) => new Option(name, asText([name]))));
  } catch {
    // Suggestions only.
  }
}

function checkJson() {
  const text = at("publish-data").value;
  const note = at("json");
  delete note.dataset.valid;
  note.textContent = "";
  if (!/^\s*[[{]/.test(text)) return;
  try {
    (at("batch").checked ? text.split("\n").filter(Boolean) : [text]).forEach((part) => JSON.parse(part));
    note.textContent = "valid JSON";
    note.dataset.valid = "yes";
  } catch (error) {
    note.textContent = `not JSON: ${error.message}`;
    note.dataset.valid = "no";
  }
}

async function publish() {
  const topic = at("publish-topic").value || topics.names[0];
  const [type, id, text] = [at("publish-type").value, at("publish-id").value, at("publish-data").value];
  const envelope = (data) => ({ data, ...(type && { event: type }), ...(id && { id }) });
  const body = at("batch").checked ? text.split("\n").filter(Boolean).map(envelope) : envelope(text);
  const headers = { "Content-Type": ENVELOPE };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = at("answer");
  try {
    const response = await fetch(urlOf(topic), { method: "POST", headers, body: JSON.stringify(body) });
    answer.dataset.ok = response.ok ? "yes" : "no";
    const reply = (await response.text()).trim();
    answer.textContent = `${response.status} ${reply}`;
    if (response.status === 401 || response.status === 403) askForToken(reply);
  } catch (error) {
    answer.dataset.ok = "no";
    answer.textContent = `not published: ${error.message}`;
  }
}

/** The media type of events with their fields. */
const ENVELOPE = "application/vnd.sse+json";

function draw() {
  at("events").textContent = figures.events.toLocaleString();
  at("bytes").textContent = size(figures.bytes);
  at("reconnections").textContent = figures.reconnections;
  at("last").textContent = figures.last.length > 100 ? `${figures.last.slice(0, 100)}…` : figures.last || "–";
  at("empty").hidden = !log.empty;
}

function second() {
  at("per-second").textContent = `${rates.at(-1)} /s`;
  const top = Math.max(1, ...rates);
  at("rate-line").setAttribute("points", rates.map((rate, x) => `${x},${31 - (rate / top) * 30}`).join(" "));
  rates = [...rates.slice(1), 0];
}

function togglePause() {
  log.pause(!log.paused);
  at("pause").setAttribute("aria-pressed", String(log.paused));
}

const clicks = {
  connect: () => (isFollowing() ? disconnect() : connect()),
  earliest: () => { log.clear(); connect({ earliest: true }); },
  link: () => navigator.clipboard.writeText(new URL(`?${viewParameters()}`, location)),
  "token-button": () => askForToken(""),
  pause: togglePause,
  clear: () => log.clear(),
  copy: () => navigator.clipboard.writeText(log.copy()),
  "copy-curl": () => navigator.clipboard.writeText(at("curl").textContent),
};
for (const [id, action] of Object.entries(clicks)) at(id).addEventListener("click", action);
at("follow").addEventListener("submit", (event) => { event.preventDefault(); connect(); });
at("publish").addEventListener("submit", (event) => { event.preventDefault(); publish(); });
at("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = at("token").value;
  at("token-form").hidden = true;
  suggest();
  connect();
});
at("native").addEventListener("change", () => connect());
at("text").addEventListener("input", filter);
at("type").addEventListener("change", filter);
for (const id of ["publish-data", "batch"]) at(id).addEventListener("input", checkJson);
document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (event.key === "Enter" && event.ctrlKey && event.target.closest("#publish")) at("publish").requestSubmit();
  else if (event.key === "Escape" && field) field.blur();
  else if (field || event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.key === "/") { event.preventDefault(); at("text").focus(); }
  else if (event.key === " " && !event.target.closest("button, input, summary")) { event.preventDefault(); togglePause(); }
});

at("publisher").open = innerWidth > 640; // on a phone the events come first
at("topics").value = asText(view.getAll("topic")) || "demo";
at("text").value = view.get("text") ?? "";
if (view.get("type")) seenTypes.add(view.get("type"));
offerTypes();
setInterval(draw, 200);
setInterval(second, 1000);
suggest();
connect();
