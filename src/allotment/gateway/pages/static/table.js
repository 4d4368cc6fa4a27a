// Rows of a database: a table that sorts, a file for spreadsheets, and a chart where the rows are a series or a breakdown.
"use strict";

allotment.table = (() => {
  const { t, nt, element, icon, makeSortable, language } = allotment;
  const figures = new Intl.NumberFormat(language, { maximumFractionDigits: 4 });

  function shown(value) {
    if (value === null) return t("empty");
    return typeof value === "number" ? figures.format(value) : String(value);
  }

  function numeric(table) {
    return table.columns.map((_, i) => {
      const values = table.rows.map((row) => row[i]).filter((value) => value !== null);
      return values.length > 0 && values.every((value) => typeof value === "number");
    });
  }

  function grid(table) {
    const isNumber = numeric(table);
    const made = element("table");
    made.append(element("caption", "visually-hidden", t("Rows from the database")));
    const head = made.createTHead().insertRow();
    table.columns.forEach((column, i) => {
      const cell = element("th", isNumber[i] ? "number" : "", column);
      cell.scope = "col";
      head.append(cell);
    });
    const body = made.createTBody();
    for (const row of table.rows) {
      const line = body.insertRow();
      row.forEach((value, i) => {
        const cell = element("td", value === null ? "nothing" : isNumber[i] ? "number" : "", shown(value));
        cell.dataset.value = value === null ? "" : String(value);
        line.append(cell);
      });
    }
    if (table.rows.length > 1) makeSortable(made);
    return made;
  }

  const QUOTE = "\u0022";
  const APOSTROPHE = "\u0027";
  const FORMULA = ["=", "+", "-", "@", "\t", "\r"]; // a spreadsheet takes a text that begins so for a formula

  function cell(value) {
    if (value === null) return "";
    const text = typeof value === "string" && FORMULA.includes(value.charAt(0)) ? APOSTROPHE + value : String(value);
    const needsQuotes = [QUOTE, ",", "\r", "\n"].some((mark) => text.includes(mark));
    return needsQuotes ? QUOTE + text.replaceAll(QUOTE, QUOTE + QUOTE) + QUOTE : text;
  }

  function csv(table) {
    return [table.columns, ...table.rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  function download(table, name) {
    const link = element("a");
    // With the mark in front, spreadsheets take the file for what it is: UTF-8.
    link.href = URL.createObjectURL(new Blob(["\ufeff", csv(table)], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function foot(table, name) {
    const line = element("div", "table-foot");
    const count = nt("%(num)s row", "%(num)s rows", table.rows.length);
    line.append(element("span", "", table.truncated ? t("%(count)s; there are more", { count }) : count));
    const button = element("button", "button quiet small");
    button.type = "button";
    button.append(icon("download"), t("As CSV"));
    button.addEventListener("click", () => download(table, name));
    line.append(button);
    return line;
  }

  // The table with what belongs to it; `name` is that of the file.
  function build(table, name) {
    const whole = element("figure", "rows");
    const chart = allotment.chart.of(table, numeric(table));
    if (chart) whole.append(chart);
    const frame = element("div", "table-frame");
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", t("Rows from the database"));
    frame.append(grid(table));
    whole.append(frame, foot(table, name));
    if (!table.rows.length) whole.append(element("p", "hint", t("No row matches, or this account sees none that does.")));
    return whole;
  }

  return { build, csv };
})();
