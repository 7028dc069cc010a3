"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, index) => row.cells[index].dataset.value ?? row.cells[index].textContent;
  heads.forEach((head, index) => {
    const number = head.classList.contains("n");
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
      const order = number && !head.hasAttribute("aria-sort") ? -1 : down;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order < 0 ? "descending" : "ascending");
      const compare = number
        ? (a, b) => Number(value(a, index)) - Number(value(b, index))
        : (a, b) => value(a, index).localeCompare(value(b, index));
      body.append(...[...body.rows].sort((a, b) => order * compare(a, b)));
    });
  });
  document.getElementById("search").hidden = false;
  const filter = document.getElementById(table.dataset.filter);
  const count = document.getElementById(table.dataset.count);
  filter?.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${body.rows.length} rows`;
  });
}
