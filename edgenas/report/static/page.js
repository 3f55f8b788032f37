// The page is readable without this script. It adds tooltips, selection of a network, a stored theme, and, on a served
// page, updates.
const root = document.documentElement;
const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

function themes() {
  let known = null;
  try { known = localStorage.getItem("edgenas-theme"); } catch { /* storage is not allowed for this file */ }
  for (const input of $$("input[name=theme]")) {
    if (input.value === known) input.checked = true;
    input.addEventListener("change", () => {
      try { localStorage.setItem("edgenas-theme", input.value); } catch { /* as above */ }
    });
  }
}

// The text of marks is moved from <title>, which browsers show late, into one tooltip and the accessible name.
function tooltips(from) {
  for (const title of $$("svg title", from)) {
    const mark = title.parentElement, holder = mark.closest("[role=option]") || mark;
    holder.dataset.tip = title.textContent;
    holder.setAttribute("aria-label", title.textContent);
    title.remove();
  }
}

function show(holder, x, y) {
  const tip = $("#tip");
  tip.hidden = !holder;
  if (!holder) return;
  tip.textContent = holder.dataset.tip;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
  tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18) + "px";
}

function number(value) {
  if (value === null || value === undefined) return "–";
  return value === 0 ? "0" : String(Number(value.toPrecision(3)).toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))));
}

let data = null;
let chosen = null; // [network, series] that is selected

function choose(n, series) {
  const network = data.networks[n], rows = $("#rows").content.querySelectorAll("tr"), body = $("#network-rows");
  chosen = [n, series];
  const times = network.blocks.map((b) => data.ms[b][series] ?? null);
  const top = Math.max(...times.map((t) => t || 0));
  const total = times.reduce((sum, t) => sum + (t || 0), (data.fixed && data.fixed[series]) || 0);
  body.replaceChildren(...network.blocks.map((b, i) => {
    const row = rows[b].cloneNode(true), t = times[i];
    row.className = "h" + (t && top ? Math.round((t / top) * 8) : 0);
    const skipped = $(".skip", row) !== null;
    $(".ms", row).textContent = skipped ? "" : number(t);
    $(".share", row).textContent = t && total ? Math.round((100 * t) / total) + " %" : "";
    return row;
  }));
  $("#looked-at").textContent = network.key;
  $("#looked-at-facts").textContent = (network.accuracy === null ? "" : network.accuracy + ", ") +
    Number((network.macs / 1e6).toPrecision(3)) + " M MACs, " + Number((network.params / 1e3).toPrecision(4)) +
    " k parameters" + (data.series[series] === undefined ? "" : ", ms " + data.ways[series] + ", under " + data.series[series]);
  for (const dot of $$(".dots [role=option]")) {
    const on = Number(dot.dataset.n) === n;
    dot.classList.toggle("chosen", on);
    dot.setAttribute("aria-selected", String(on));
  }
}

// A figure is one stop of the Tab key; arrow keys move through its points in order of latency.
function listbox(area) {
  const dots = () => $$("[role=option]", area).filter((dot) => getComputedStyle(dot).display !== "none");
  let at = null;
  const go = (dot) => {
    if (at) at.classList.remove("at");
    at = dot;
    if (!dot) return;
    dot.classList.add("at");
    area.setAttribute("aria-activedescendant", dot.id);
    const box = dot.getBoundingClientRect();
    show(dot, box.x, box.y);
  };
  area.setAttribute("role", "listbox");
  area.setAttribute("tabindex", "0");
  area.setAttribute("aria-label", area.parentElement.getAttribute("aria-label"));
  area.addEventListener("keydown", (event) => {
    const all = dots(), i = all.indexOf(at);
    const to = { ArrowRight: i + 1, ArrowUp: i + 1, ArrowLeft: i < 0 ? 0 : i - 1, ArrowDown: i < 0 ? 0 : i - 1, Home: 0,
      End: all.length - 1 }[event.key];
    if (to !== undefined) {
      go(all[Math.max(0, Math.min(to, all.length - 1))]);
    } else if ((event.key === "Enter" || event.key === " ") && at) {
      pick(at);
    } else if (event.key === "Escape") {
      go(null);
      show(null);
      return;
    } else {
      return;
    }
    event.preventDefault();
  });
  area.addEventListener("blur", () => { go(null); show(null); });
}

function pick(from) {
  if (data && from.dataset.n !== undefined) choose(Number(from.dataset.n), Number(from.dataset.series ?? data.own));
}

function begin() {
  const held = $("#data");
  data = held ? JSON.parse(held.textContent) : null;
  tooltips($("main"));
  for (const area of $$(".dots > .area")) listbox(area);
  equip($("main"));
  if (data) sliders(data, choose);
}

document.addEventListener("click", (event) => {
  const from = event.target.closest("[role=option], .pick");
  if (from) pick(from);
});
document.addEventListener("pointermove", (event) => show(event.target.closest("[data-tip]"), event.clientX, event.clientY));
document.addEventListener("pointerleave", () => show(null));
addEventListener("scroll", () => show(null), { passive: true });
let opened = [];
addEventListener("beforeprint", () => {
  opened = $$("details:not([open])");
  for (const each of opened) each.open = true;
});
addEventListener("afterprint", () => { for (const each of opened) each.open = false; });

// A served page polls its state, and replaces its main part when the state has changed; the selection is kept.
async function live() {
  let state = null, wait = 3;
  for (;;) {
    try {
      const answer = await fetch("state", { cache: "no-store" });
      const now = await answer.json();
      if (state !== null && now.state !== state) {
        const text = await (await fetch("./", { cache: "no-store" })).text();
        const fresh = new DOMParser().parseFromString(text, "text/html");
        const open = $$("main details").map((each) => each.open), hidden = $$(".filter input").map((each) => each.checked);
        $("main").replaceWith(fresh.querySelector("main"));
        $("nav").replaceWith(fresh.querySelector("nav"));
        $$("main details").forEach((each, i) => { each.open = open[i] || false; });
        $$(".filter input").forEach((each, i) => { each.checked = hidden[i] ?? true; });
        begin();
        if (chosen && data && data.networks[chosen[0]]) choose(...chosen);
      }
      [state, wait] = [now.state, now.wait_s];
      $("#live").textContent = "Live, updated at " + new Date().toLocaleTimeString() + ".";
    } catch {
      $("#live").textContent = "The server has stopped; this is the last state.";
    }
    await new Promise((done) => setTimeout(done, 1000 * wait));
  }
}

root.classList.add("has-js");
themes();
begin();
if (root.dataset.live) live();
