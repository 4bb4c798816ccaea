(function () {
  // The same table may be shown twice; each of them is made to sort once.
  document.querySelectorAll('[data-qb="NAME"]').forEach(function (view) {
    if (view.dataset.sorts) { return; }
    view.dataset.sorts = "yes";
    var body = view.querySelector("tbody");
    var heads = Array.from(view.querySelectorAll("th"));
    function key(row, at) {
      var cell = row.cells[at];
      return cell.dataset.value === undefined ? cell.textContent : parseFloat(cell.dataset.value);
    }
    function compared(a, b) {
      // What is not there, or is no number among numbers, stays at the end in both directions.
      var lost = function (value) { return value === "" || value !== value; };
      if (lost(a) || lost(b)) { return { last: lost(a) - lost(b) }; }
      if (typeof a === "number" && typeof b === "number") { return { by: a - b }; }
      return { by: String(a).localeCompare(String(b), undefined, { numeric: true }) };
    }
    function sort(head, at) {
      var number = Array.from(body.rows).some(function (row) { return row.cells[at].dataset.value !== undefined; });
      var was = head.getAttribute("aria-sort");
      var down = was ? was === "ascending" : number;
      var rows = Array.from(body.rows).map(function (row) { return [key(row, at), row]; });
      rows.sort(function (a, b) {
        var found = compared(a[0], b[0]);
        return found.last !== undefined ? found.last : down ? -found.by : found.by;
      });
      rows.forEach(function (pair) { body.appendChild(pair[1]); });
      heads.forEach(function (one) { one.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    }
    heads.forEach(function (head, at) {
      if (!head.hasAttribute("tabindex")) { return; }
      head.classList.add("qb-sorts");
      head.addEventListener("click", function () { sort(head, at); });
      head.addEventListener("keydown", function (event) { if (event.key === "Enter") { sort(head, at); } });
    });
  });
})();
