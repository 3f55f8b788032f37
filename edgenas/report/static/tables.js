"use strict";
// Tables: a click on a heading sorts, a button saves the table as CSV. Commands have a button that copies them.
const BLANK = "–";

function cellText(cell) {
  const copy = cell.cloneNode(true);
  for (const small of copy.querySelectorAll("small")) small.textContent = " (" + small.textContent + ")";
  for (const hidden of copy.querySelectorAll("svg")) hidden.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

function sortValue(text) {
  const found = text.replace(/−/g, "-").replace(/,(?=\d{3})/g, "").match(/^[∼+ ]*(-?\d+(\.\d+)?(e[+-]?\d+)?)( M\b)?/i);
  return found ? Number(found[1]) * (found[4] ? 1e6 : 1) : null;
}

function sortBy(table, column, down) {
  const body = table.tBodies[0], rows = [...body.rows];
  const known = rows.map((row) => {
    const text = row.cells[column] ? cellText(row.cells[column]) : BLANK;
    return { row, text, value: sortValue(text), blank: text === "" || text === BLANK };
  });
  const numeric = known.every((each) => each.blank || each.value !== null);
  known.sort((a, b) => {
    if (a.blank || b.blank) return Number(a.blank) - Number(b.blank); // always last
    const order = numeric ? a.value - b.value : a.text.localeCompare(b.text, "en", { numeric: true });
    return down ? -order : order;
  });
  body.append(...known.map((each) => each.row));
}

function sortable(table) {
  if (!table.tHead || !table.tBodies[0] || table.tBodies[0].rows.length < 2 || table.classList.contains("network")) return;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sortBy(table, column, down);
    });
  });
}

function csvOf(table) {
  const quoted = (text) => (/[",\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text);
  return [...table.rows].map((row) => [...row.cells].map((cell) => quoted(cellText(cell))).join(",")).join("\r\n") + "\r\n";
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function toolButton(text, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool";
  button.textContent = text;
  button.addEventListener("click", () => action(button));
  return button;
}

async function copyText(text, button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  button.textContent = done ? "Copied" : "Select it to copy";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function equip(from) {
  for (const scroll of from.querySelectorAll(".scroll")) {
    const table = scroll.querySelector("table");
    if (!table) continue;
    sortable(table);
    const name = (scroll.getAttribute("aria-label") || "table").toLowerCase().replace(/[^a-z0-9]+/g, "-");
    if (!table.classList.contains("network")) {
      const tools = document.createElement("div");
      tools.className = "tools";
      tools.append(toolButton("Save as CSV", () => save(name + ".csv", csvOf(table))));
      scroll.after(tools);
    }
    const hint = () => scroll.classList.toggle("more", scroll.scrollWidth - scroll.clientWidth - scroll.scrollLeft > 4);
    scroll.addEventListener("scroll", hint, { passive: true });
    new ResizeObserver(hint).observe(scroll);
  }
  for (const command of from.querySelectorAll("code.command")) {
    command.after(toolButton("Copy", (button) => copyText(command.textContent, button)));
  }
}
