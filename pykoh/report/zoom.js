// Zooms the plots of a report: buttons, a drag for a region, ctrl + wheel, double click for all.
// Curves are moved and scaled inside their frame; ticks are drawn anew for what is seen.
"use strict";
for (const svg of document.querySelectorAll("svg[data-axes]")) {
  const specs = JSON.parse(svg.dataset.axes);
  const name = svg.dataset.name;
  const height = svg.viewBox.baseVal.height;
  const make = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    return node;
  };
  const panels = [];
  specs.forEach((spec, index) => {
    const group = document.getElementById(`${name}-axes_${index + 1}`);
    if (!spec || !group) return;
    const moved = [], marks = [];
    for (const node of group.querySelectorAll("[clip-path]")) {
      const frame = make("g", { "clip-path": node.getAttribute("clip-path") });
      const inner = make("g", {});
      node.removeAttribute("clip-path");
      node.replaceWith(frame);
      frame.append(inner);
      inner.append(node);
      const uses = [...node.querySelectorAll("use")];
      const points = uses.filter((u) => !(+u.getAttribute("x") === 0 &&
        Math.abs(+u.getAttribute("y") - height) < 0.01));
      if (points.length) {
        for (const u of points) marks.push([u, +u.getAttribute("x"), +u.getAttribute("y")]);
      } else {
        moved.push(inner);
        for (const part of node.tagName === "path" ? [node] : node.querySelectorAll("path, use")) {
          part.setAttribute("vector-effect", "non-scaling-stroke");
        }
      }
    }
    const ticks = group.querySelectorAll('g[id*="tick_"]');
    const notes = [...group.children].filter((n) => /-text_\d+$/.test(n.id)).filter((n) => {
      const box = n.getBBox();
      return box.y > spec.y && box.y < spec.y + spec.h;
    });
    const fresh = make("g", { class: "ticks" });
    group.append(fresh);
    panels.push({ spec, moved, marks, ticks, notes, fresh });
  });
  if (!panels.length) continue;
  const { x, y, w, h, xlock, ylock } = panels[0].spec;
  let view = { x0: 0, x1: 1, y0: 0, y1: 1 }; // shares of the frame, from the lower left

  const steps = (low, high, log) => {
    if (log && high - low > 0.6) {
      const found = [], parts = high - low > 2.5 ? [1] : high - low > 1.2 ? [1, 3] : [1, 2, 5];
      for (let d = Math.floor(low); d <= high; d++) {
        for (const p of parts) {
          const place = d + Math.log10(p);
          if (place >= low && place <= high) found.push([place, p * 10 ** d]);
        }
      }
      return found.length > 8 ? found.filter((_, i) => i % 2 === 0) : found;
    }
    const a = log ? 10 ** low : low, b = log ? 10 ** high : high;
    const raw = (b - a) / 5, size = 10 ** Math.floor(Math.log10(raw));
    const step = size * [1, 2, 5, 10].find((m) => m * size >= raw);
    const found = [];
    for (let v = Math.ceil(a / step) * step; v <= b + 1e-9 * step; v += step) {
      found.push([log ? Math.log10(v) : v, Math.abs(v) < 1e-9 * step ? 0 : v]);
    }
    return found;
  };
  const label = (value) => {
    const size = Math.abs(value);
    if (value !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(0);
    return String(+value.toPrecision(4)).replace("-", "\u2212");
  };
  const range = (limits, log, from, to) => {
    const [a, b] = log ? limits.map(Math.log10) : limits;
    return [a + from * (b - a), a + to * (b - a)];
  };
  const draw = () => {
    const whole = view.x0 === 0 && view.x1 === 1 && view.y0 === 0 && view.y1 === 1;
    const sx = 1 / (view.x1 - view.x0), sy = 1 / (view.y1 - view.y0);
    const ox = x - sx * (x + view.x0 * w), oy = y - sy * (y + (1 - view.y1) * h);
    svg.classList.toggle("zoomed", !whole);
    for (const panel of panels) {
      const { spec } = panel;
      for (const node of panel.moved) {
        node.setAttribute("transform", whole ? "" : `matrix(${sx} 0 0 ${sy} ${ox} ${oy})`);
      }
      for (const [node, px, py] of panel.marks) {
        node.setAttribute("x", px * sx + ox);
        node.setAttribute("y", py * sy + oy);
      }
      for (const node of panel.notes) node.style.display = whole ? "" : "none";
      panel.fresh.replaceChildren();
      for (const node of panel.ticks) node.style.display = whole ? "" : "none";
      if (whole) continue;
      const put = (text, at) => {
        const node = make("text", { ...at, "font-size": 8.5 });
        node.textContent = text;
        panel.fresh.append(node);
      };
      if (spec.xlim) {
        const [a, b] = range(spec.xlim, spec.xlog, view.x0, view.x1);
        for (const [place, value] of steps(a, b, spec.xlog)) {
          const px = x + (w * (place - a)) / (b - a);
          panel.fresh.append(make("path", { d: `M${px} ${y + h}v3.5` }));
          put(label(value), { x: px, y: y + h + 13, "text-anchor": "middle" });
        }
      }
      if (spec.ylim) {
        const [a, b] = range(spec.ylim, spec.ylog, view.y0, view.y1);
        const side = spec.right ? x + w : x, out = spec.right ? 1 : -1;
        for (const [place, value] of steps(a, b, spec.ylog)) {
          const py = y + h - (h * (place - a)) / (b - a);
          panel.fresh.append(make("path", { d: `M${side} ${py}h${3.5 * out}` }));
          put(label(value), {
            x: side + 6 * out, y: py + 3, "text-anchor": spec.right ? "start" : "end",
          });
        }
      }
    }
  };
  const show = (x0, x1, y0, y1) => {
    if (xlock) [x0, x1] = [0, 1];
    if (ylock) [y0, y1] = [0, 1];
    const fit = (a, b) => {
      const size = Math.min(1, Math.max(b - a, 1e-3));
      const low = Math.min(Math.max(a, 0), 1 - size);
      return size > 0.999 ? [0, 1] : [low, low + size];
    };
    [view.x0, view.x1] = fit(x0, x1);
    [view.y0, view.y1] = fit(y0, y1);
    draw();
  };
  const zoom = (factor, cx = 0.5, cy = 0.5) => {
    const { x0, x1, y0, y1 } = view;
    const mx = x0 + cx * (x1 - x0), my = y0 + cy * (y1 - y0);
    show(mx - (mx - x0) * factor, mx + (x1 - mx) * factor,
      my - (my - y0) * factor, my + (y1 - my) * factor);
  };
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const px = (event.clientX - box.left) * scale, py = (event.clientY - box.top) * scale;
    return [(px - x) / w, 1 - (py - y) / h];
  };
  const bar = document.createElement("div");
  bar.className = "zoom";
  for (const [sign, title, act] of [["+", "zoom in", () => zoom(0.6)],
    ["\u2212", "zoom out", () => zoom(1 / 0.6)], ["\u21ba", "show all", () => show(0, 1, 0, 1)]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.title = title;
    button.setAttribute("aria-label", `${title}: ${svg.closest("figure").ariaLabel || name}`);
    button.addEventListener("click", act);
    bar.append(button);
  }
  svg.after(bar);
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // a plain wheel scrolls the page
    event.preventDefault();
    zoom(event.deltaY < 0 ? 0.8 : 1.25, ...place(event));
  }, { passive: false });
  svg.addEventListener("dblclick", () => show(0, 1, 0, 1));
  let start = null, region = null;
  svg.addEventListener("pointerdown", (event) => {
    const [cx, cy] = place(event);
    const touch = event.pointerType === "touch";
    if (event.button || cx < 0 || cx > 1 || cy < 0 || cy > 1) return;
    if (touch && !svg.classList.contains("zoomed")) return; // a finger scrolls the page
    start = { cx, cy, pan: touch || event.shiftKey, view: { ...view } };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!start) return;
    const [cx, cy] = place(event);
    if (start.pan) {
      const v = start.view, dx = (cx - start.cx) * (v.x1 - v.x0), dy = (cy - start.cy) * (v.y1 - v.y0);
      show(v.x0 - dx, v.x1 - dx, v.y0 - dy, v.y1 - dy);
      return;
    }
    region = region || svg.appendChild(make("rect", { class: "region" }));
    const clip = (value) => Math.min(Math.max(value, 0), 1);
    const [a, b] = [start.cx, clip(cx)].sort((p, q) => p - q);
    const [c, d] = [start.cy, clip(cy)].sort((p, q) => p - q);
    region.setAttribute("x", x + a * w);
    region.setAttribute("width", (b - a) * w);
    region.setAttribute("y", y + (1 - d) * h);
    region.setAttribute("height", (d - c) * h);
    region.dataset.view = JSON.stringify([a, b, c, d]);
  });
  const end = () => {
    if (region) {
      const [a, b, c, d] = JSON.parse(region.dataset.view);
      region.remove();
      region = null;
      const { x0, y0 } = view, dx = view.x1 - x0, dy = view.y1 - y0;
      if (b - a > 0.02 && d - c > 0.02) show(x0 + a * dx, x0 + b * dx, y0 + c * dy, y0 + d * dy);
    }
    start = null;
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
}
