"use strict";

// Shows one topic with the browser's own EventSource. Text only ever enters the page as text.
const show = (id, text) => { document.getElementById(id).textContent = text; };
const states = ["0 connecting", "1 open", "2 closed"];
const kept = 200;
let source = null;
let events = 0;
let reconnections = 0;
let arrivals = [];

function tick() {
  const state = source ? source.readyState : 2;
  show("state", source ? states[state] : "–");
  document.getElementById("state").dataset.state = state;
  const since = performance.now() - 5000;
  arrivals = arrivals.filter((at) => at > since);
  show("rate", `${(arrivals.length / 5).toFixed(1)} /s`);
}

function row(type, data) {
  const item = document.createElement("li");
  item.className = type === "gap" ? "gap" : "";
  const parts = [["time", new Date().toLocaleTimeString()], ["span", type], ["pre", data]];
  for (const [tag, text] of parts) {
    const part = document.createElement(tag);
    part.textContent = text;
    item.append(part);
  }
  const log = document.getElementById("log");
  log.prepend(item);
  while (log.children.length > kept) log.lastChild.remove();
}

function receive(event) {
  events += 1;
  arrivals.push(performance.now());
  show("events", events);
  show("last", event.lastEventId || "–");
  row(event.type, event.data);
  tick();
}

function follow(form) {
  source?.close();
  events = 0;
  reconnections = 0;
  arrivals = [];
  show("events", 0);
  show("reconnections", 0);
  show("last", "–");
  const url = new URL(`/events/${encodeURIComponent(form.topic.value)}`, location);
  if (form.token.value) url.searchParams.set("access_token", form.token.value);
  source = new EventSource(url);
  const types = form.types.value.split(",").map((type) => type.trim()).filter(Boolean);
  for (const type of new Set(["message", "gap", ...types])) {
    // "open" and "error" are the source's own; only those with data came from the stream.
    source.addEventListener(type, (event) => { if (event instanceof MessageEvent) receive(event); });
  }
  source.addEventListener("open", tick);
  source.addEventListener("error", (event) => {
    if (event instanceof MessageEvent) return;
    if (event.target.readyState === EventSource.CONNECTING) show("reconnections", ++reconnections);
    tick();
  });
  tick();
}

async function publish(form) {
  const headers = { "Content-Type": "application/json" };
  if (form.token.value) headers.Authorization = `Bearer ${form.token.value}`;
  const topic = document.getElementById("follow").topic.value;
  const body = { data: form.data.value };
  if (form.event.value) body.event = form.event.value;
  const answer = await fetch(`/events/${encodeURIComponent(topic)}`, { method: "POST", headers, body: JSON.stringify(body) });
  show("answer", `${answer.status} ${await answer.text()}`);
}

document.getElementById("follow").addEventListener("submit", (event) => {
  event.preventDefault();
  follow(event.target.elements);
});
document.getElementById("close").addEventListener("click", () => { source?.close(); tick(); });
document.getElementById("publish").addEventListener("submit", (event) => {
  event.preventDefault();
  publish(event.target.elements).catch((error) => show("answer", error));
});
setInterval(tick, 500);
