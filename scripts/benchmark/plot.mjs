// The plot of growth: three panels, both axes logarithmic, readable on white and on black.

const WIDTH = 960;
const HEIGHT = 330;
const PANEL = { width: 250, height: 210, top: 60, left: 58, step: 314 };

const STYLE = `text { font: 12px system-ui, sans-serif; fill: #24292f; } .title { font-weight: 600; font-size: 14px; }
.grid { stroke: #d0d7de; } .checkpoint { stroke: #0969da; fill: #0969da; } .rollback { stroke: #bc4c00; fill: #bc4c00; }
polyline { fill: none !important; stroke-width: 2; } .back { fill: #ffffff; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .grid { stroke: #3d444d; } .back { fill: #0d1117; }
.checkpoint { stroke: #4493f8; fill: #4493f8; } .rollback { stroke: #f0883e; fill: #f0883e; } }`;

const SERIES = ["checkpoint", "rollback"];
const PANELS = [
  { title: "Time", of: (figures) => figures.seconds, label: (v) => `${v} s` },
  { title: "Peak memory", of: (figures) => figures.memory, label: inBytes },
  { title: "Store", of: (figures) => figures.store, label: inBytes },
];

/** An SVG of points {bytes, checkpoint: {seconds, memory, store}, rollback: {…}}. */
export function plot(points) {
  const panels = PANELS.map((panel, n) => drawn(panel, PANEL.left + n * PANEL.step, points));
  const legend = SERIES.map((name, n) => {
    const x = PANEL.left + n * 110;
    return `<g class="${name}"><circle cx="${x}" cy="20" r="4"/></g><text x="${x + 10}" y="24">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Time, memory and store of checkpoint and rollback by size of the database">
<style>${STYLE}</style>
<rect class="back" width="${WIDTH}" height="${HEIGHT}"/>
${[...legend, ...panels].join("\n")}
</svg>
`;
}

function drawn({ title, of, label }, left, points) {
  const bottom = PANEL.top + PANEL.height;
  const values = points.flatMap((point) => SERIES.map((name) => of(point[name])));
  const [from, to] = decades(values);
  const [first, last] = decades(points.map((point) => point.bytes));
  const x = (bytes) => round(left + ((Math.log10(bytes) - first) / (last - first)) * PANEL.width);
  const y = (value) => round(bottom - ((Math.log10(value) - from) / (to - from)) * PANEL.height);
  const rows = powers(from, to).map(
    (value) =>
      `<line class="grid" x1="${left}" x2="${left + PANEL.width}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${label(value)}</text>`,
  );
  const columns = powers(first, last).map(
    (bytes) =>
      `<line class="grid" x1="${x(bytes)}" x2="${x(bytes)}" y1="${PANEL.top}" y2="${bottom}"/>` +
      `<text x="${x(bytes)}" y="${bottom + 18}" text-anchor="middle">${inBytes(bytes)}</text>`,
  );
  const lines = SERIES.map((name) => {
    const places = points.map((point) => [x(point.bytes), y(of(point[name]))]);
    const dots = places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5"/>`).join("");
    return `<g class="${name}"><polyline points="${places.map((place) => place.join(",")).join(" ")}"/>${dots}</g>`;
  });
  return [
    `<text class="title" x="${left}" y="${PANEL.top - 12}">${title}</text>`,
    ...rows,
    ...columns,
    ...lines,
    `<text x="${left + PANEL.width / 2}" y="${bottom + 38}" text-anchor="middle">size of the database</text>`,
  ].join("\n");
}

const round = (value) => Math.round(value * 10) / 10;
/** The powers of ten between which the values are. */
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)));
  return [from, Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values))))];
}
const powers = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => Number(`1e${from + n}`));

function inBytes(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${bytes / 1000 ** unit} ${units[unit]}`;
}
