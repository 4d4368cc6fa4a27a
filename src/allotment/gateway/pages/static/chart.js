// Small charts as SVG: a line for a series, bars for a breakdown. The table beside a chart says the same in figures.
"use strict";

allotment.chart = (() => {
  const { t, element, language } = allotment;
  const SVG = "http://www.w3.org/2000/svg";
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const MOST_BARS = 20;
  const MOST_LINES = 4;
  const ALIKE = 8; // times as high as the lowest one that shares a chart
  const MOMENT = /^\d{4}(-\d{2}(-\d{2}([T ].*)?)?|-?Q[1-4])?$/;

  // As wide as there is room when it is drawn, so that its words stay as large as those around it.
  function room() {
    const around = document.getElementById("messages") || document.querySelector("main");
    return Math.max(260, Math.min(640, around.clientWidth));
  }

  function draw(name, attributes, ...inside) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  }

  function picture(width, height, words, ...inside) {
    const made = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img" }, ...inside);
    made.setAttribute("aria-label", words);
    return made;
  }

  // Round steps from 0 or below to the highest value, about `count` of them.
  function scale(values, count) {
    const low = Math.min(0, ...values);
    const high = Math.max(0, ...values);
    const rough = (high - low || 1) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough);
    const first = Math.floor(low / step) * step;
    const marks = [];
    for (let at = first; at < high + step; at += step) marks.push(Number(at.toPrecision(12)));
    return { first, last: marks.at(-1), marks };
  }

  function lines(labels, series) {
    const [left, right, top, bottom, height] = [48, 12, 12, 28, 240];
    const width = room();
    const { first, last, marks } = scale(series.flatMap(({ values }) => values), 4);
    const x = (i) => left + ((width - left - right) * i) / Math.max(1, labels.length - 1);
    const y = (value) => height - bottom - ((height - top - bottom) * (value - first)) / (last - first || 1);
    const grid = marks.flatMap((mark) => [
      draw("line", { class: "grid", x1: left, x2: width - right, y1: y(mark), y2: y(mark) }),
      draw("text", { class: "end", x: left - 8, y: y(mark) + 4 }, short.format(mark)),
    ]);
    const every = Math.ceil(labels.length / Math.floor(width / 100));
    const anchor = (i) => (i === labels.length - 1 ? "end" : i ? "middle" : "start");
    const under = labels.flatMap((label, i) =>
      i % every ? [] : [draw("text", { class: anchor(i), x: x(i), y: height - 8 }, label)],
    );
    const drawn = series.map(({ values }, n) => {
      const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      return draw("polyline", { class: `line line-${n}`, points });
    });
    return picture(width, height, t("A line over %(count)s points; the table has the figures", { count: labels.length }), ...grid, ...under, ...drawn);
  }

  function bars(labels, values) {
    const longest = Math.max(...labels.map((label) => label.length));
    const width = room();
    const [left, right, line] = [Math.min(190, width * 0.4, longest * 7 + 16), 64, 26];
    const fits = Math.floor((left - 10) / 6.5);
    const { first, last } = scale(values, 4);
    const x = (value) => left + ((width - left - right) * (value - first)) / (last - first || 1);
    const drawn = values.flatMap((value, i) => {
      const label = labels[i].length > fits ? `${labels[i].slice(0, fits - 1)}…` : labels[i];
      const [from, to] = [Math.min(x(0), x(value)), Math.max(x(0), x(value))];
      return [
        draw("text", { class: "end", x: left - 10, y: i * line + 17 }, label),
        draw("rect", { class: "bar", x: from, y: i * line + 5, width: Math.max(1, to - from), height: line - 10, rx: 2 }),
        draw("text", { class: "start", x: to + 8, y: i * line + 17 }, short.format(value)),
      ];
    });
    return picture(width, values.length * line + 4, t("Bars for %(count)s rows; the table has the figures", { count: labels.length }), ...drawn);
  }

  function legend(series) {
    const list = element("ul", "legend");
    series.forEach(({ name }, n) => list.append(element("li", `legend-${n}`, name)));
    return list;
  }

  function isMoment(value) {
    return (typeof value === "number" && Number.isInteger(value) && value >= 1900 && value <= 2200) || MOMENT.test(String(value));
  }

  function seriesOf(table, numbers) {
    return numbers.map((i) => ({ name: table.columns[i], values: table.rows.map((row) => row[i]) }));
  }

  // The chart of a table; none where its rows are neither a series nor a breakdown.
  function of(table, isNumber) {
    const { rows, columns } = table;
    const numbers = columns.map((_, i) => i).filter((i) => i > 0 && isNumber[i]);
    const whole = rows.every((row) => row[0] !== null && numbers.every((i) => row[i] !== null));
    if (!whole || rows.length < 2 || !numbers.length) return null;
    const labels = rows.map((row) => String(row[0]));
    if (rows.length > 2 && rows.every((row) => isMoment(row[0])) && numbers.length <= MOST_LINES) {
      return series(labels, seriesOf(table, numbers));
    }
    const isBreakdown = !isNumber[0] && numbers.length === 1 && columns.length === 2 && rows.length <= MOST_BARS;
    return isBreakdown ? bars(labels, seriesOf(table, numbers)[0].values) : null;
  }

  function reach({ values }) {
    return Math.max(...values.map(Math.abs)) || 1;
  }

  // Lines over the same labels: [{ name, values }]. Those of like size share a chart, with a legend; others would be
  // flat beside one another, so each has its own.
  function series(labels, several) {
    const order = labels.map((_, i) => i).sort((a, b) => (labels[a] < labels[b] ? -1 : 1));
    const sorted = several.map(({ name, values }) => ({ name, values: order.map((i) => values[i]) }));
    const sizes = sorted.map(reach);
    const groups = Math.max(...sizes) <= ALIKE * Math.min(...sizes) ? [sorted] : sorted.map((one) => [one]);
    const figure = element("div", "chart-frame");
    for (const group of groups) {
      figure.append(lines(order.map((i) => labels[i]), group));
      if (several.length > 1) figure.append(legend(group));
    }
    return figure;
  }

  return { of, series, bars };
})();
